"""One collector's visit to one org: what it may ask, and what it brings home."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    MutableMapping,
)
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Protocol, TypeVar

from exporter.api.client import Call
from exporter.api.endpoints import Endpoint
from exporter.api.errors import BadAnswer, Kind
from exporter.api.pages import Page, pages
from exporter.api.payloads import Flaws, PayloadError, Reason
from exporter.catalog import Windowed
from exporter.samples import Samples
from exporter.settings import Org
from exporter.windows import BASELINES, WINDOWS, Span, baseline_spans, usual, window

IN_FLIGHT = 8
"""Requests one collector keeps going at once; more would only queue behind the limits."""

REFUSED_VISITS = 12
REFUSED_AT_LEAST = 300.0
REFUSED_AT_MOST = 6 * 3600.0

_NO_PAYLOAD = frozenset({Kind.CONTENT, Kind.ENCODING, Kind.TOO_LARGE})
"""What may come with a good status, and is nothing that could be read."""

_NEWER_PAGING = {"length": "limit"}


class Asker(Protocol):
    """What a collector needs of the API client."""

    async def get(self, account: Org, call: Call) -> bytes:
        """Return the body of a good answer, or raise `ApiError`."""
        ...


class Readable(Protocol):
    """Anything a payload reader returns."""

    @property
    def flaws(self) -> Flaws:
        """Return what could not be read in it."""
        ...


Daily = Mapping[date, float | None]

R = TypeVar("R", bound=Readable)
T = TypeVar("T")


class PagedReadable(Readable, Page, Protocol):
    """A page of a list that a payload reader returns."""


PR = TypeVar("PR", bound=PagedReadable)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a collector makes of its visit: samples, names of courses, and figures by day.

    `daily` holds the days of `windows.history` of figures of the org, for the status page.
    """

    samples: Samples = field(default_factory=Samples)
    courses: dict[str, str] = field(default_factory=dict)
    daily: dict[str, Daily] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One run of one collector for one org.

    `day` is today in the org's time zone, `rhythm` the seconds between visits, `kept` what was
    learnt today of days long gone, and `courses` waits until the course lists have been asked.
    """

    org: Org
    api: Asker
    day: date
    rhythm: float
    priority: int
    page_size: int
    kept: MutableMapping[object, float]
    courses: Callable[[], Awaitable[Mapping[str, str]]]
    flawed: Callable[[Endpoint, Reason, int], None]

    async def ask(
        self,
        endpoint: Endpoint,
        read: Callable[[bytes], R],
        *,
        span: Span | None = None,
        query: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        subject: str = "",
    ) -> R:
        """Ask for one answer and read it.

        `span` becomes the dates of the range, in the way the org's API counts its end;
        `subject` is what a 404 would be about (a course, a mentor). Raises `ApiError` and
        `PayloadError`.
        """
        parameters = {**(query or {})}
        if span is not None:
            beyond = timedelta(days=self.org.range_end == "exclusive")
            parameters["start_date"] = span.first.isoformat()
            parameters["end_date"] = (span.last + beyond).isoformat()
        if endpoint.scoped:
            parameters["include_main_platform"] = str(self.org.include_main_platform).lower()
            if self.org.department_id is not None:
                parameters["department_id"] = str(self.org.department_id)
        if endpoint.keyed:
            parameters["platform_key"] = self.org.key
            parameters["date_filter"] = "custom"
        call = Call(
            endpoint=endpoint,
            names=names or {},
            query=parameters,
            priority=self.priority,
            patience=min(
                max(REFUSED_VISITS * self.rhythm, REFUSED_AT_LEAST),
                max(REFUSED_AT_MOST, self.rhythm),
            ),
            subject=subject,
        )
        try:
            body = await self.api.get(self.org, call)
        except BadAnswer as error:
            if error.kind in _NO_PAYLOAD:
                self.flawed(endpoint, Reason.UNREADABLE, 1)
            raise
        try:
            answer = read(body)
        except PayloadError as error:
            self.flawed(endpoint, error.reason, 1)
            raise PayloadError(f"{endpoint.template}: {error}") from None
        for reason, count in answer.flaws.items():
            self.flawed(endpoint, reason, count)
        return answer

    async def pages(
        self,
        endpoint: Endpoint,
        read: Callable[[bytes], PR],
        *,
        span: Span | None = None,
        query: Mapping[str, str] | None = None,
    ) -> AsyncIterator[PR]:
        """Ask for every page of a list."""
        words = _NEWER_PAGING if endpoint.keyed else {}

        async def ask(paging: Mapping[str, str]) -> PR:
            named = {words.get(name, name): value for name, value in paging.items()}
            return await self.ask(endpoint, read, span=span, query={**(query or {}), **named})

        def cut() -> None:
            self.flawed(endpoint, Reason.PAGES, 1)

        async for page in pages(ask, length=self.page_size, cut=cut):
            yield page

    async def each(self, items: Collection[T], work: Callable[[T], Awaitable[None]]) -> None:
        """Do `work` for every item, a few at a time; the first failure ends it all."""
        if not items:
            return
        queue = iter(items)

        async def worker() -> None:
            for item in queue:
                await work(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(IN_FLIGHT, len(items))):
                    group.create_task(worker())
        except* Exception as failures:  # noqa: BLE001 - passed on, the first of them
            raise _first(failures) from None

    async def once_a_day(
        self, key: object, ask: Callable[[], Awaitable[float | None]]
    ) -> float | None:
        """Return what is known of days long gone, asked for only once on each day."""
        if key not in self.kept:
            found = await ask()
            if found is None:
                return None
            self.kept[key] = found
        return self.kept[key]

    def ratio(self, value: float | None) -> float | None:
        """Return a percent field of the org's API as a ratio."""
        return value if value is None or self.org.percentages == "ratio" else value / 100

    def put_windows(
        self,
        samples: Samples,
        figure: Windowed,
        read: Callable[[Span], float | None],
        *labels: str,
    ) -> None:
        """Add the windows of complete days and the baselines of a figure known by span."""
        for name in figure.windows:
            if name in WINDOWS:
                samples.add(figure.at(name), read(window(WINDOWS[name], self.day)), *labels)
        for name in figure.baselines:
            values = [read(span) for span in self.baseline_spans(BASELINES[name])]
            samples.add(figure.baseline(name), usual(values), *labels)

    def baseline_spans(self, length: int) -> list[Span]:
        """Return the spans of a baseline, those with a quiet day taken out."""
        spans = baseline_spans(length, self.day)
        if not self.org.quiet_days:
            return list(spans)
        return [span for span in spans if not any(map(self.org.is_quiet, span))]


def _first(failures: BaseExceptionGroup[Any]) -> BaseException:
    """Return the first single exception of a group."""
    found: BaseException = failures
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
