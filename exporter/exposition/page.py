"""The metrics page: bytes that exist before anybody asks for them.

The page is, for each family, its header and then each snapshot's lines. It is put together and
compressed after something changed, not when it is asked for; a page that is large is compressed
in a thread, and then changes are gathered for a while, since nobody scrapes every 50 ms. The
metrics of the process are read at the scrape and joined on. What is joined is one gzip member,
stitched from two deflate streams: several members one after the other are read only in part by
common clients.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from isal import isal_zlib

from exporter import catalog
from exporter.clock import Clock
from exporter.exposition import Format, header
from exporter.snapshots import SnapshotStore
from exporter.telemetry import Telemetry

_SMALL = 1 << 20
"""Pages up to this size (bytes) are put together on the spot, in about a millisecond."""

_SHARE = 20
"""A page is not put together again before this many times the duration of the last time."""

_SLICE = 10
"""Orgs whose own metrics are written at a time, so that the event loop is not held."""

_UNREAD = 900.0
"""Seconds after which a format that nobody asked for again is no longer kept ready."""

_BLOCK = 1000
"""Pieces of text compressed at a time. One by one, the thread that does it would take the
interpreter from the event loop and hand it back for each of a hundred thousand small pieces."""

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


@dataclass(frozen=True, slots=True)
class _Edition:
    """The page as it was at one generation of the store.

    Of its text nothing is kept, so that figures are freed as soon as they are replaced.
    """

    generation: int
    deflated: Deflated


class MetricsPage:
    """Serves every org's figures and the exporter's own metrics, in each format."""

    def __init__(self, store: SnapshotStore, telemetry: Telemetry, clock: Clock) -> None:
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self._editions: dict[Format, _Edition] = {}
        self._read_at: dict[Format, float] = {}
        self._not_before = 0.0
        self._making: dict[Format, asyncio.Task[_Edition]] = {}
        self._timer: asyncio.TimerHandle | None = None
        store.listeners.append(self._changed)

    async def read(self, form: Format, *, gzip: bool) -> bytes:
        """Return the whole page."""
        if gzip:
            edition = await self._current(form)
            tail = self._telemetry.process_text(form)
            return gzip_member(edition.deflated, deflate((tail,), last=True))
        await self._settle()
        chunks = _chunks(self._store.pieces(_FAMILIES), form)
        return b"".join((*chunks, self._telemetry.process_text(form)))

    def read_org(self, org: str, form: Format, *, gzip: bool) -> bytes:
        """Return the figures of one org."""
        self._expire()
        self._telemetry.flush_org(org)
        end = b"# EOF\n" if form is Format.OPENMETRICS else b""
        chunks = _chunks(self._store.pieces_of(org, _FAMILIES), form)
        if gzip:
            return gzip_member(deflate(chunks, last=False), deflate((end,), last=True))
        return b"".join((*chunks, end))

    async def _current(self, form: Format) -> _Edition:
        """Return the page as it is; one that is large, as it was a few seconds ago at most.

        To put a large page together takes a while, and whoever reads it need not wait for that.
        What was taken out in the meantime is not shown any more all the same.
        """
        now = self._read_at[form] = self._clock.monotonic()
        self._expire()
        edition = self._editions.get(form)
        if edition is not None and edition.generation >= self._store.gone:
            written = edition.generation == self._store.generation and not self._telemetry.stale
            if written or now < self._not_before:
                return edition
            if self._store.size > _SMALL:
                self._begin(form)
                return edition
        while True:
            edition = await asyncio.shield(self._begin(form))
            # The one that was under way may have begun before something was taken out.
            if edition.generation >= self._store.gone:
                return edition

    def _begin(self, form: Format) -> asyncio.Task[_Edition]:
        """Put a page together, or join whoever does that already."""
        task = self._making.get(form)
        if task is None:
            task = self._making[form] = asyncio.create_task(self._put_together(form))
            task.add_done_callback(lambda _: self._making.pop(form, None))
        return task

    async def _put_together(self, form: Format) -> _Edition:
        await self._settle()
        before = self._editions.get(form)
        if before is not None and before.generation == self._store.generation:
            return before
        began = self._clock.monotonic()
        generation = self._store.generation
        chunks = _chunks(self._store.pieces(_FAMILIES), form)
        if self._store.size > _SMALL:
            deflated = await asyncio.to_thread(deflate, _blocks(chunks), last=False)
        else:
            deflated = deflate(_blocks(chunks), last=False)
        edition = self._editions[form] = _Edition(generation, deflated)
        now = self._clock.monotonic()
        self._not_before = now + _SHARE * (now - began)
        return edition

    async def _settle(self) -> None:
        """Have the store hold what is true, while whoever else waits has a turn."""
        settled = self._refresh()
        while not settled:
            await asyncio.sleep(0)
            settled = self._refresh()

    def _expire(self) -> None:
        for org, _ in self._store.expire(self._clock.monotonic()):
            self._telemetry.touch(org)

    def _refresh(self) -> bool:
        """Have the store hold what is true; return whether nothing is left to be written."""
        self._expire()
        return self._telemetry.flush(at_most=_SLICE)

    def _changed(self) -> None:
        """Put the pages that somebody reads together again, soon."""
        if self._timer is None and self._editions:
            loop = asyncio.get_running_loop()
            wait = max(self._not_before - self._clock.monotonic(), 0.05)
            self._timer = loop.call_later(wait, self._remake)

    def _remake(self) -> None:
        self._timer = None
        unread_since = self._clock.monotonic() - _UNREAD
        for form in list(self._editions):
            if self._read_at[form] < unread_since:
                del self._editions[form]
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
