"""Examines the platform of an org: API generation, time zone, end of ranges, main platform.

Nothing is concluded from a single response, or from a day without data: there may have been no
activity. What cannot be determined is None, or a text that says so.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.api.payloads import (
    parse_courses,
    parse_daily,
    parse_headline,
    parse_sessions,
    parse_v2_users,
)
from exporter.check.attempts import Attempts
from exporter.collectors.run import ITEM_ERRORS, Run
from exporter.history.store import History
from exporter.scheduler import Collection
from exporter.settings import Org
from exporter.windows import Span, local_date, window

UNKNOWN = "cannot be determined"

GONE = frozenset({"404", "410"})
"""Statuses of an endpoint that a deployment does not have."""

_RECENT = 28
"""Days that are searched for data."""

_SETTLED = 2
"""Days after which late data no longer changes a day."""

_WEEK = 7
_DAY = timedelta(days=1)

Values = Mapping[date, float]
"""Values other than 0 by day."""


@dataclass(frozen=True, slots=True)
class _Series:
    """A series with one value per day."""

    endpoint: Endpoint
    read: Callable[[bytes], Any]
    query: Mapping[str, str]


_SERIES = (
    _Series(endpoints.VIDEOS_OVER_TIME, parse_daily, {}),
    _Series(endpoints.ENROLLMENTS_OVER_TIME, parse_daily, {"active": "y"}),
    _Series(endpoints.MESSAGES_PER_SESSION, parse_sessions, {"aggregation": "daily"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What is known about the platform of one org. Texts are for people.

    `range_end` is "inclusive", "exclusive" or None if it cannot be determined. `main_platform`
    has the active users of 7 days with and without the main platform.
    """

    generation: str = UNKNOWN
    time_zone: str = UNKNOWN
    range_end: str | None = None
    main_platform: tuple[float, float] | None = None


async def examine(attempts: Attempts, org: Org, *, page_size: int) -> Platform:
    """Return what a few requests show about the platform of an org."""
    moment = attempts.pipeline.clock.now()
    requests = _Requests(attempts, org, moment, page_size)
    recent = [await requests.recent(series) for series in _SERIES]
    newest = max((day for days in recent for day in days), default=None)
    return Platform(
        generation=await _generation(attempts, requests),
        time_zone=time_zone_of(newest, moment, org),
        range_end=await _range_end(requests, recent),
        main_platform=await _main_platform(requests),
    )


@dataclass(frozen=True, slots=True)
class _Requests:
    """Sends single requests of an org. `end_date` is sent as it is, whatever `range_end` says."""

    attempts: Attempts
    org: Org
    moment: datetime
    page_size: int
    _history: History = field(default_factory=History)

    @property
    def today(self) -> date:
        """Return today in the org's time zone."""
        return local_date(self.moment, self.org.zone)

    @property
    def dates(self) -> tuple[date, date]:
        """Return today in UTC and in the org's time zone, the earlier one first."""
        utc = self.moment.astimezone(UTC).date()
        return min(utc, self.today), max(utc, self.today)

    async def get(self, request: Callable[[Run], Awaitable[Any]], **settings: Any) -> Any:
        """Return the response of `request`, or None if it cannot be read."""
        run = Run(
            org=replace(self.org, **{"range_end": "inclusive", **settings}),
            api=self.attempts.pipeline.api,
            day=self.today,
            now=self.attempts.pipeline.clock.monotonic(),
            interval=self.org.interval,
            page_size=self.page_size,
            history=self._history,
            queued=Collection(
                org=self.org.key,
                name="check",
                due_at=self.attempts.pipeline.clock.monotonic(),
                interval=self.org.interval,
            ),
            items={},
            courses=(),
            mentors=(),
            is_due=lambda _: True,
            payload_error=lambda *_: None,
        )
        try:
            return await request(run)
        except ITEM_ERRORS:
            return None

    async def days(self, series: _Series, span: Span) -> Values | None:
        """Return the days with data in the response to a range."""
        response = await self.get(
            lambda run: run.request(series.endpoint, series.read, span=span, query=series.query)
        )
        if response is None:
            return None
        amounts = {day: getattr(v, "sessions", v) for day, v in response.days.items()}
        return {day: amount for day, amount in amounts.items() if amount}

    async def recent(self, series: _Series) -> Values:
        """Return the recent days with data, through today wherever it is already tomorrow."""
        first, today = self.dates
        span = Span(first - _RECENT * _DAY, today + _DAY)
        found = await self.days(series, span)
        if found is None:  # a range that ends tomorrow may be refused
            found = await self.days(series, replace(span, last=today))
        return found or {}


async def _generation(attempts: Attempts, requests: _Requests) -> str:
    """Return which of both API generations the deployment has."""
    span = window(_WEEK, requests.today)
    metric = {"metric": "currently_active", "date_filter": "today"}
    await requests.get(lambda run: run.request(endpoints.V2_USERS, parse_v2_users, query=metric))
    await requests.get(
        lambda run: run.request(
            endpoints.V2_SESSIONS,
            lambda body: parse_headline(body, "avg_rating"),
            span=span,
            query={"metric": "headline"},
        )
    )
    key = requests.org.key
    seeds, v2 = (
        is_offered({endpoint.name: attempts.statuses.of(key, endpoint) for endpoint in family})
        for family in (endpoints.SEEDS, (endpoints.V2_USERS, endpoints.V2_SESSIONS))
    )
    return generation_text(seeds=seeds, v2=v2)


def is_offered(statuses: Mapping[str, list[str]]) -> bool | None:
    """Return whether a family of endpoints exists, from their statuses; None if unknown.

    One good response shows that it does. That it does not takes two endpoints, and no other
    status than 404 and 410 from any.
    """
    requested = {name: codes for name, codes in statuses.items() if codes}
    codes = {code for found in requested.values() for code in found}
    if any(code.startswith("2") for code in codes):
        return True
    return False if len(requested) > 1 and codes <= GONE else None


def generation_text(*, seeds: bool | None, v2: bool | None) -> str:
    """Return the generations that a deployment has, in words."""
    match seeds, v2:
        case True, True:
            return "both (seeds and v2)"
        case True, False:
            return "seeds (v2 does not exist)"
        case False, True:
            return "v2 (the endpoints of the seeds do not exist)"
        case True, None:
            return f"seeds; whether v2 exists {UNKNOWN}"
        case None, True:
            return f"v2; whether the endpoints of the seeds exist {UNKNOWN}"
    return UNKNOWN


def time_zone_of(newest: date | None, moment: datetime, org: Org) -> str:
    """Return how the newest day with data compares with today in UTC and in the org's time zone.

    A day with data has begun on the platform. A day without data shows nothing.
    """
    utc, here = moment.astimezone(UTC).date(), local_date(moment, org.zone)
    if newest is None:
        return f"{UNKNOWN}: no recent day has data"
    today = f"today is {here} in {org.timezone}"
    if here != utc:
        today += f" and {utc} in UTC"
    if newest > here:
        return (
            f"does not match: {newest} already has data on the platform, and {today}; "
            "set timezone to the one in which the platform counts days"
        )
    if newest == here != utc and here > utc:
        return f"matches: {newest} has data, and {today}"
    if newest == here == utc:
        if org.timezone == "UTC":
            return f"no contradiction: the newest day with data is {newest}, today in UTC"
        return f"{UNKNOWN} now: {newest} is today in UTC and in {org.timezone}"
    return f"{UNKNOWN}: the newest day with data is {newest}, and {today}"


async def _range_end(requests: _Requests, recent: list[Values]) -> str | None:
    """Return whether `end_date` is included, if all series that show it agree."""
    last = requests.dates[0] - _SETTLED * _DAY
    found = set()
    for series, days in zip(_SERIES, recent, strict=True):
        known = [day for day in days if day <= last]
        if known:
            found.add(await _range_end_of(requests, series, max(known)))
    found.discard(None)
    return found.pop() if len(found) == 1 else None


async def _range_end_of(requests: _Requests, series: _Series, day: date) -> str | None:
    """Compare ranges that end the day before, on, and the day after a day known to have data."""
    first = day - _WEEK * _DAY
    on = await requests.days(series, Span(first, day))
    before = await requests.days(series, Span(first, day - _DAY))
    if on is None or before is None or day in before:
        return None
    if day in on:
        return "inclusive"
    after = await requests.days(series, Span(first, day + _DAY))
    return "exclusive" if after and day in after else None


async def _main_platform(requests: _Requests) -> tuple[float, float] | None:
    """Return the active users of 7 days with and without the main platform."""
    found = []
    for include in (True, False):
        response = await requests.get(
            lambda run: run.request(
                endpoints.ACTIVE_USERS_PER_COURSE,
                partial(parse_courses, fields=()),
                span=window(_WEEK, requests.today),
            ),
            include_main_platform=include,
            range_end=requests.org.range_end,
        )
        if response is None or response.total is None:
            return None
        found.append(response.total)
    return found[0], found[1]
