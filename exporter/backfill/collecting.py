"""Collects what is known of the past days of one org, with the collectors of the exporter.

A collector of daily values runs once: a single request for each series brings all days. Every
other collector of complete days runs once for each day, as it would have on that day.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from exporter import collectors
from exporter.api.client import Call
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Kind, RateLimitedError, RejectedError, UnavailableError
from exporter.api.payloads import Reason
from exporter.backfill.record import DayResult, OrgRecord
from exporter.collectors import Collector
from exporter.collectors.daily import EXPECTED_DAYS
from exporter.collectors.run import ITEM_ERRORS, Api, ItemError, Result, Run, unexpected
from exporter.history.store import History
from exporter.scheduler import Collection
from exporter.settings import Org
from exporter.windows import Span

DAILY = frozenset(collector.name for collector in collectors.COLLECTORS if collector.daily)
"""The collectors whose values all follow from daily values."""

COURSES, MENTORS = "course_videos", "mentors"
USERS, PAST_USERS = "active_users", "past_active_users"

LISTS = (COURSES, MENTORS)
"""The collectors that run once for what they list."""

WEEKDAYS = 7
"""The weeks that the expected range of a day needs end on its weekday."""

_INTERVAL = 3600.0


def daily(org: Org) -> tuple[Collector, ...]:
    """Return the collectors of an org that run once."""
    return tuple(c for c in collectors.of(org) if c.name in DAILY)


def per_day(org: Org) -> tuple[Collector, ...]:
    """Return the collectors of an org that run for each day."""
    return tuple(c for c in collectors.of(org) if c.windows and not c.once and c.name not in DAILY)


@dataclass(frozen=True, slots=True)
class Gap:
    """Values of a collector that are missing: how many items failed, and the first error."""

    collector: Collector
    items: int
    error: ItemError

    @property
    def temporary(self) -> bool:
        """Whether another attempt may succeed without a change on either side."""
        return isinstance(self.error, UnavailableError | RateLimitedError)

    @property
    def not_offered(self) -> bool:
        """Whether a deployment does not offer an extra, or the key may not read it."""
        extra = self.collector.group != collectors.CORE or self.collector.lists_mentors
        return extra and isinstance(self.error, RejectedError)


class Offline:
    """An API without a connection: everything follows from what was collected before."""

    async def get(self, org: Org, call: Call) -> bytes:
        """Raise `ApiError`."""
        text = f"{org.key}: {call.endpoint.template}: was not collected"
        raise ApiError(text, kind=Kind.CONNECTION, sent=False)


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Makes runs of an org's collectors for the local days `days`, on which values are served."""

    org: Org
    days: Span
    history: History
    api: Api
    page_size: int = 100
    payload_error: Callable[[Endpoint, Reason, int], None] = lambda *_: None

    async def run(
        self,
        collector: Collector,
        day: date,
        *,
        courses: Iterable[str] = (),
        mentors: Iterable[str] = (),
    ) -> Result:
        """Run a collector as on `day`. Errors are in the result, under "" if it is as a whole."""
        name = collector.name
        run = Run(
            org=self.org,
            api=self.api,
            day=day,
            now=0.0,
            interval=_INTERVAL,
            page_size=self.page_size,
            history=self.history,
            queued=Collection(org=self.org.key, name=name, due_at=0.0, interval=_INTERVAL),
            items={},
            courses=list(courses),
            mentors=list(mentors),
            is_due=lambda _: True,
            payload_error=self.payload_error,
            past=Span(self.days.first - timedelta(days=EXPECTED_DAYS), self.days.last),
        )
        try:
            return await collector.collect(run)
        except ITEM_ERRORS as error:
            return Result(failed={"": error})
        except Exception as error:  # noqa: BLE001 - a bug costs no other collector
            return Result(failed={"": unexpected(error, run)})


def wanted_courses(org: Org, record: OrgRecord) -> dict[str, str]:
    """Return the courses that have metrics of their own, on all days: id and name."""
    return {id_: name for id_, name in record.courses().items() if org.courses.wants(id_)}


def wanted_mentors(org: Org, record: OrgRecord) -> dict[str, str]:
    """Return the mentors that have metrics of their own: id and name, "" if it is not known."""
    names = record.mentors()
    return names if org.discovers_mentors else {id_: names.get(id_, "") for id_ in org.mentors}


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Wait for all. The first failure cancels the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


class OrgCollection:
    """Collects for one org what its record lacks."""

    def __init__(self, runs: Runs, record: OrgRecord) -> None:
        self._runs = runs
        self._record = record
        self._on = {c.name: c for c in collectors.of(runs.org)}
        self._errors: dict[str, ItemError] = {}
        self._failed: Counter[str] = Counter()

    @property
    def gaps(self) -> list[Gap]:
        """What could not be collected, by collector."""
        return [
            Gap(collectors.BY_NAME[name], self._failed[name], error)
            for name, error in sorted(self._errors.items())
        ]

    async def collect(self) -> None:
        """Collect everything. Raises `StateError`, and nothing that a response can cause."""
        last = Span(self._runs.days.last, self._runs.days.last)
        for name in LISTS:
            if name in self._on:
                await self._each_day(self._on[name], last)
        org = self._runs.org
        alone = [c for c in per_day(org) if c.name != USERS]
        at_once = [c for c in daily(org) if not c.per_course]
        await together(
            self._users(),
            *(self._each_day(collector, self._runs.days) for collector in alone),
            *(self._once(collector) for collector in at_once),
        )
        for collector in daily(org):
            if collector.per_course:
                await self._once(collector)

    async def _users(self) -> None:
        """Collect unique users of each day, then those before that expected ranges need."""
        if USERS in self._on:
            await self._each_day(self._on[USERS], self._runs.days)
        if PAST_USERS in self._on:
            for day in list(self._runs.days)[:WEEKDAYS]:
                again = True
                while again:
                    result = await self._run(self._on[PAST_USERS], day)
                    again = result.again and bool(result.items)  # not if all of them failed

    async def _each_day(self, collector: Collector, days: Span) -> None:
        for day in days:
            known = self._record.result(collector.name, day)
            if known is None or not known.complete:
                result = DayResult.of(await self._run(collector, day))
                if collector.name == COURSES:
                    result = DayResult(result.complete, courses=result.courses)
                if result != known and (result.complete or result.samples):
                    self._record.put(collector.name, day, result)

    async def _once(self, collector: Collector) -> None:
        await self._run(collector, self._runs.days.last)

    async def _run(self, collector: Collector, day: date) -> Result:
        result = await self._runs.run(
            collector,
            day,
            courses=wanted_courses(self._runs.org, self._record) if collector.per_course else (),
            mentors=wanted_mentors(self._runs.org, self._record) if collector.per_mentor else (),
        )
        self._record.check()
        for error in result.failed.values():
            self._errors.setdefault(collector.name, error)
            self._failed[collector.name] += 1
        return result
