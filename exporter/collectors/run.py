"""One run of a collector for one org: its requests and its result."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
)
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Protocol, TypeVar

import structlog

from exporter.api.client import Call
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, BadResponseError, Kind
from exporter.api.paging import Page, pages
from exporter.api.payloads import PayloadError, PayloadErrors, Reason
from exporter.history.store import History
from exporter.samples import Samples
from exporter.scheduler import Collection as Queued
from exporter.settings import Org
from exporter.snapshots import Items
from exporter.windows import TODAY, WINDOWS, Span, window

log = structlog.get_logger(__name__)

IN_PARALLEL = 4
"""Requests that one run sends in parallel."""

UNSETTLED_DAYS = 2
"""Complete days that late data can still change; they are requested again."""

_UNREADABLE = frozenset({Kind.CONTENT, Kind.ENCODING, Kind.TOO_LARGE})
"""Errors of a response with a good status: they count as payload errors, too."""

_V2_PAGING = {"length": "limit"}

ItemError = ApiError | PayloadError
ITEM_ERRORS = (ApiError, PayloadError)
"""Errors that fail one item and nothing else."""


class Api(Protocol):
    """The API client, as collectors use it."""

    async def get(self, org: Org, call: Call) -> bytes:
        """Return the body of a good response, or raise `ApiError`."""
        ...


class Readable(Protocol):
    """What a parser returns."""

    @property
    def errors(self) -> PayloadErrors:
        """Return how many of its parts could not be read, by reason."""
        ...


R = TypeVar("R", bound=Readable)
T = TypeVar("T")


class ReadablePage(Readable, Page, Protocol):
    """A page of a list that a parser returns."""


P = TypeVar("P", bound=ReadablePage)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """A new item. `interval` is how often it is collected, in seconds: its age limit follows."""

    samples: Samples
    interval: float
    of_day: bool = False
    courses: Mapping[str, str] = field(default_factory=dict)
    mentors: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Result:
    """What a run collected: new items, items that failed, and what to do with the others.

    `wanted` decides which earlier items stay; None keeps all. `again` asks for another run soon:
    there was more than one run may request.
    """

    items: dict[str, NewItem] = field(default_factory=dict)
    failed: dict[str, ItemError] = field(default_factory=dict)
    wanted: Callable[[str], bool] | None = None
    again: bool = False
    confirmed: set[str] = field(default_factory=set)
    """Earlier items that stay valid: the API has no later windows yet."""
    history_of: tuple[str, ...] = ()
    """Other collectors whose expected ranges follow from the history that the run completed."""

    @property
    def error(self) -> ItemError | None:
        """The error of the run: a run fails only if all its items fail."""
        if self.failed and not self.items:
            return next(iter(self.failed.values()))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. `day` is today in the org's time zone."""

    org: Org
    api: Api
    day: date
    now: float
    """Monotonic seconds."""
    interval: float
    """Seconds between runs of this collector."""
    page_size: int
    history: History
    queued: Queued
    items: Items
    """The collector's current items."""
    courses: Collection[str]
    """Known courses that have metrics of their own."""
    mentors: Collection[str]
    """Mentors that have metrics of their own."""
    is_due: Callable[[str], bool]
    """Whether an item is requested in this run; others back off, or are not due yet."""
    payload_error: Callable[[Endpoint, Reason, int], None]
    past: Span | None = None
    """For a backfill: the days of every series, which are over and requested only once."""

    @property
    def yesterday(self) -> date:
        """The last complete day."""
        return self.day - timedelta(days=1)

    def span(self, name: str) -> Span:
        """Return the days of a window of complete days, or of today."""
        return Span(self.day, self.day) if name == TODAY else window(WINDOWS[name], self.day)

    def result(
        self,
        key: str,
        samples: Samples,
        *,
        courses: Mapping[str, str] = MappingProxyType({}),
        mentors: Mapping[str, str] = MappingProxyType({}),
    ) -> Result:
        """Return a result of one item, with the courses or mentors that it lists."""
        item = NewItem(samples=samples, interval=self.interval, courses=courses, mentors=mentors)
        return Result({key: item})

    async def request(
        self,
        endpoint: Endpoint,
        read: Callable[[bytes], R],
        *,
        span: Span | None = None,
        query: Mapping[str, str] | None = None,
        path_params: Mapping[str, str] | None = None,
        subject: str = "",
    ) -> R:
        """Send one request and read the response.

        `span` becomes the dates of the range, in the way the org's API counts its end;
        `subject` is the course or mentor that a 404 would be about. Raises `ApiError` and
        `PayloadError`.
        """
        call = Call(
            endpoint=endpoint,
            path_params=path_params or {},
            query=self._query(endpoint, span, query or {}),
            queued=self.queued,
            subject=subject,
        )
        try:
            body = await self.api.get(self.org, call)
        except BadResponseError as error:
            if error.kind in _UNREADABLE:
                self.payload_error(endpoint, Reason.UNREADABLE, 1)
            raise
        try:
            response = read(body)
        except PayloadError as error:
            raise self.unreadable(endpoint, error) from None
        self.count(endpoint, response.errors)
        return response

    def _query(
        self, endpoint: Endpoint, span: Span | None, query: Mapping[str, str]
    ) -> dict[str, str]:
        parameters = {**query}
        if span is not None:
            beyond = timedelta(days=self.org.range_end == "exclusive")
            parameters["start_date"] = span.first.isoformat()
            parameters["end_date"] = (span.last + beyond).isoformat()
        if endpoint.scoped:
            parameters["include_main_platform"] = str(self.org.include_main_platform).lower()
            if self.org.department_id is not None:
                parameters["department_id"] = str(self.org.department_id)
        if endpoint.v2:
            parameters["platform_key"] = self.org.key
            if span is not None:
                parameters["date_filter"] = "custom"
        return parameters

    def unreadable(self, endpoint: Endpoint, error: PayloadError) -> PayloadError:
        """Count a payload error and return it with the endpoint in its text."""
        self.payload_error(endpoint, error.reason, 1)
        return PayloadError(f"{endpoint.template}: {error}")

    def count(self, endpoint: Endpoint, errors: PayloadErrors) -> None:
        """Count the parts of a response that could not be read."""
        for reason, number in errors.items():
            self.payload_error(endpoint, reason, number)

    async def pages(
        self,
        endpoint: Endpoint,
        read: Callable[[bytes], P],
        *,
        span: Span | None = None,
        query: Mapping[str, str] | None = None,
    ) -> AsyncIterator[P]:
        """Request every page of a list. If one fails, the list fails."""
        words = _V2_PAGING if endpoint.v2 else {}

        async def request(paging: Mapping[str, str]) -> P:
            named = {words.get(name, name): value for name, value in paging.items()}
            return await self.request(endpoint, read, span=span, query={**(query or {}), **named})

        def on_truncated() -> None:
            self.payload_error(endpoint, Reason.PAGES, 1)

        async for page in pages(request, length=self.page_size, on_truncated=on_truncated):
            yield page

    async def each(
        self, result: Result, keys: Collection[str], collect: Callable[[str], Awaitable[None]]
    ) -> None:
        """Call `collect` for every item that is due, a few in parallel.

        An item that fails does not affect the others.
        """
        wanted = [key for key in keys if self.is_due(key)]
        queue = iter(wanted)

        async def work() -> None:
            for key in queue:
                try:
                    await collect(key)
                except ITEM_ERRORS as error:
                    result.failed[key] = error
                except Exception as error:  # noqa: BLE001 - a bug costs no other item either
                    result.failed[key] = unexpected(error, self)

        if len(wanted) == 1:
            await work()
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(min(IN_PARALLEL, len(wanted))):
                group.create_task(work())

    def unsettled(self, series: str, *, days: int, part: str = "") -> Span | None:
        """Return the days to request of a series: those that are missing or can still change.

        A range always ends today. At first it covers `days` complete days, later those since the
        first that was not requested, and the days that were not settled at the last request. For a
        backfill it is `past`, or None once that is known.
        """
        values = self.history.series(self.org.key, series, part=part)
        if self.past is not None:
            return None if values.covers(self.past) else self.past
        first = self.day - timedelta(days=days)
        known = values.span
        if known is None or known.last > self.day:
            return Span(first, self.day)
        last_settled = known.last - timedelta(days=UNSETTLED_DAYS)
        missing = values.first_missing(Span(first, self.day)) or self.day
        return Span(max(first, min(missing, last_settled)), self.day)

    def is_older(self, key: str, seconds: float) -> bool:
        """Return whether an item is missing, of an earlier day, or about `seconds` old.

        Half an interval early counts, so that a value is not left for a whole one more.
        """
        item = self.items.get(key)
        if item is None or item.day != self.day:
            return True
        return self.now - item.collected > seconds - self.interval / 2


def unexpected(error: Exception, run: Run) -> PayloadError:
    """Log an unexpected exception, and return it as the error of an item or a run.

    Its own text may hold anything, even a payload, and appears nowhere.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_qualname} (line {trace.tb_lineno})" if trace else "?"
    text = f"{run.org.key}: unexpected {type(error).__name__} in {place}"
    log.error("collector crashed", org=run.org.key, collector=run.queued.name, error=text)
    return PayloadError(text)
