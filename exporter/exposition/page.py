"""The metrics page: rendered and compressed after a change, not during a scrape.

The page has, for each family, its header and then the lines of each org. A large page is
compressed in a thread, and further changes are gathered for a while, since nobody scrapes every
50 ms. The metrics of the process are added at the scrape. Both parts are joined to one gzip member
from two deflate streams: common clients read only the first of several members.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from isal import isal_zlib

from exporter import catalog
from exporter.clock import Clock
from exporter.exposition.rendered import RenderedLines
from exporter.exposition.text import Format, header

_SMALL = 1 << 20
"""Pages up to this size (bytes) are compressed in the event loop, in about a millisecond."""

_SHARE = 20
"""A page is not rendered again before this many times the duration of the last time."""

_SLICE = 10
"""Orgs whose own metrics are rendered at a time, so that the event loop is not blocked."""

_UNREAD = 900.0
"""Seconds without a scrape after which a format is no longer rendered ahead."""

_BLOCK = 1000
"""Chunks compressed at a time. One by one, the thread that compresses would take the interpreter
lock from the event loop for each of a hundred thousand small chunks."""

_LEVEL = 1
_RAW = -15
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_PROCESS = frozenset(metric.name for metric in catalog.METRICS if "org" not in metric.labels)
_FAMILIES = tuple(metric for metric in catalog.METRICS if metric.name not in _PROCESS)
_HEADERS = {form: {metric.name: header(metric, form) for metric in _FAMILIES} for form in Format}


@dataclass(frozen=True, slots=True)
class Deflated:
    """A piece of a gzip stream: deflate blocks that end on a byte, and what they stand for."""

    blocks: bytes
    crc: int
    size: int


def deflate(chunks: Iterable[bytes], *, last: bool) -> Deflated:
    """Compress `chunks`; what is not the last piece ends in a full flush, to be joined on."""
    compressor = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _RAW)
    crc = size = 0
    blocks = []
    for chunk in chunks:
        blocks.append(compressor.compress(chunk))
        crc = isal_zlib.crc32(chunk, crc)
        size += len(chunk)
    blocks.append(compressor.flush(isal_zlib.Z_FINISH if last else isal_zlib.Z_FULL_FLUSH))
    return Deflated(b"".join(blocks), crc, size)


def gzip_member(body: Deflated, tail: Deflated) -> bytes:
    """Join two pieces into one gzip member."""
    crc = isal_zlib.crc32_combine(body.crc, tail.crc, tail.size)
    size = (body.size + tail.size) & 0xFFFFFFFF
    trailer = crc.to_bytes(4, "little") + size.to_bytes(4, "little")
    return b"".join((_GZIP_HEADER, body.blocks, tail.blocks, trailer))


class OwnMetrics(Protocol):
    """What the page needs of the exporter's own metrics."""

    @property
    def changed(self) -> bool:
        """Whether there is anything that `flush` would render."""
        ...

    def flush(self, *, at_most: int) -> bool:
        """Render what changed of some orgs; return whether nothing is left."""
        ...

    def flush_org(self, org: str) -> None:
        """Render what changed about one org."""
        ...

    def process_text(self, form: Format) -> bytes:
        """Return the current metrics of the process."""
        ...


@dataclass(frozen=True, slots=True)
class _RenderedPage:
    """The page at one generation of the lines. Its text is not stored, to save memory."""

    generation: int
    deflated: Deflated


class MetricsPage:
    """Serves the metrics of every org and of the exporter itself, in each format."""

    def __init__(self, lines: RenderedLines, own: OwnMetrics, clock: Clock) -> None:
        self._lines = lines
        self._own = own
        self._clock = clock
        self._pages: dict[Format, _RenderedPage] = {}
        self._read_at: dict[Format, float] = {}
        self._not_before = 0.0
        self._making: dict[Format, asyncio.Task[_RenderedPage]] = {}
        self._timer: asyncio.TimerHandle | None = None
        lines.listeners.append(self._changed)

    async def read(self, form: Format, *, gzip: bool) -> bytes:
        """Return the whole page."""
        if gzip:
            page = await self._current(form)
            tail = self._own.process_text(form)
            return gzip_member(page.deflated, deflate((tail,), last=True))
        await self._settle()
        chunks = _chunks(self._lines.families(_FAMILIES), form)
        return b"".join((*chunks, self._own.process_text(form)))

    def read_org(self, org: str, form: Format, *, gzip: bool) -> bytes:
        """Return the metrics of one org."""
        self._own.flush_org(org)
        end = b"# EOF\n" if form is Format.OPENMETRICS else b""
        chunks = _chunks(self._lines.families_of(org, _FAMILIES), form)
        if gzip:
            return gzip_member(deflate(chunks, last=False), deflate((end,), last=True))
        return b"".join((*chunks, end))

    async def _current(self, form: Format) -> _RenderedPage:
        """Return the current page, or a large one as it was a few seconds ago.

        Rendering a large page takes a while, and a scrape need not wait for it, unless series
        were removed since.
        """
        now = self._read_at[form] = self._clock.monotonic()
        removed = self._lines.removed
        page = self._pages.get(form)
        if page is not None and page.generation >= removed:
            written = page.generation == self._lines.generation and not self._own.changed
            if written or now < self._not_before:
                return page
            if self._lines.size > _SMALL:
                self._begin(form)
                return page
        while True:
            page = await asyncio.shield(self._begin(form))
            # Rendering may have started before series were removed. What is removed from now on
            # is no reason to wait longer: under load there would be no end to it.
            if page.generation >= removed:
                return page

    def _begin(self, form: Format) -> asyncio.Task[_RenderedPage]:
        """Start to render a page, unless it is being rendered already."""
        task = self._making.get(form)
        if task is None:
            task = self._making[form] = asyncio.create_task(self._render(form))
            task.add_done_callback(lambda _: self._making.pop(form, None))
        return task

    async def _render(self, form: Format) -> _RenderedPage:
        await self._settle()
        before = self._pages.get(form)
        if before is not None and before.generation == self._lines.generation:
            return before
        started = self._clock.monotonic()
        generation = self._lines.generation
        chunks = _chunks(self._lines.families(_FAMILIES), form)
        if self._lines.size > _SMALL:
            deflated = await asyncio.to_thread(deflate, _blocks(chunks), last=False)
        else:
            deflated = deflate(_blocks(chunks), last=False)
        page = self._pages[form] = _RenderedPage(generation, deflated)
        now = self._clock.monotonic()
        self._not_before = now + _SHARE * (now - started)
        return page

    async def _settle(self) -> None:
        """Render the exporter's own metrics that changed, a few orgs at a time."""
        while not self._own.flush(at_most=_SLICE):  # noqa: ASYNC110 - lets other tasks run
            await asyncio.sleep(0)

    def _changed(self) -> None:
        """Render the pages that are being scraped again, soon."""
        if self._timer is None and self._pages:
            loop = asyncio.get_running_loop()
            wait = max(self._not_before - self._clock.monotonic(), 0.05)
            self._timer = loop.call_later(wait, self._remake)

    def _remake(self) -> None:
        self._timer = None
        unread_since = self._clock.monotonic() - _UNREAD
        for form in list(self._pages):
            if self._read_at[form] < unread_since:
                del self._pages[form]
            else:
                self._begin(form)


def _blocks(chunks: list[bytes]) -> Iterator[bytes]:
    return (b"".join(chunks[at : at + _BLOCK]) for at in range(0, len(chunks), _BLOCK))


def _chunks(families: Iterable[tuple[catalog.Metric, list[bytes]]], form: Format) -> list[bytes]:
    chunks: list[bytes] = []
    headers = _HEADERS[form]
    for metric, pieces in families:
        chunks.append(headers[metric.name])
        chunks += pieces
    return chunks
