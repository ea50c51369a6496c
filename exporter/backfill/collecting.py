"""The past of one org, collected with the collectors of the exporter.

A collector of daily values sends one request for each series, which brings all days to the
history. Every other collector of complete days runs once for each day, as it would have on it. So
does one whose values come from the newer family, since its endpoint of the seeds is gone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from exporter import collectors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import RateLimitedError, RejectedError, UnavailableError
from exporter.api.payloads import Reason
from exporter.backfill.record import OrgRecord
from exporter.collectors import Collector
from exporter.collectors.daily import EXPECTED_DAYS
from exporter.collectors.run import ITEM_ERRORS, Api, ItemError, NewItem, Result, Run, unexpected
from exporter.polling.generation import Generation
from exporter.scheduler import Collection
from exporter.settings import Org
from exporter.snapshots import Item
from exporter.windows import Span

COURSES, MENTORS = "course_videos", "mentors"
USERS, PAST_USERS = "active_users", "past_active_users"

LISTS = (COURSES, MENTORS)
"""The collectors that run once, for the names that they list."""

WEEKDAYS = 7
"""The weeks that the expected range of a day needs end on its weekday."""

_INTERVAL = 3600.0


def is_per_day(collector: Collector) -> bool:
    """Return whether a collector runs for each day."""
    return collector.windows and not collector.once and not collector.daily


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


async def together(*work: Coroutine[Any, Any, object]) -> None:
    """Wait for all. The first failure cancels the others, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


@dataclass(kw_only=True)
class Past:
    """The values of one org that were served on the local days `days`."""

    org: Org
    days: Span
    record: OrgRecord
    api: Api
    page_size: int = 100
    payload_error: Callable[[Endpoint, Reason, int], None] = lambda *_: None
    check: Callable[[], None] = lambda: None
    """Called after each run; what it raises ends the collection."""

    def __post_init__(self) -> None:
        self.courses: Mapping[str, str] = {}
        """Names of the courses of all days that have metrics of their own, by id."""
        self.mentors: Mapping[str, str] = {}
        """The same for mentors, "" if a name is not known."""
        self._failed: dict[str, dict[str, ItemError]] = {}
        self._generations: defaultdict[str, Generation] = defaultdict(Generation)
        self._on = {collector.name: collector for collector in collectors.of(self.org)}

    @property
    def gaps(self) -> list[Gap]:
        """What could not be collected, by collector."""
        return [
            Gap(self._on[name], len(failed), next(iter(failed.values())))
            for name, failed in sorted(self._failed.items())
        ]

    async def collect(self) -> None:
        """Collect what the record lacks. Raises what `check` does, and no error of a response."""
        for name in LISTS:
            if name in self._on:
                await self._collect(self._on[name])
        await together(*(self._collect(c) for c in self._on.values() if is_per_day(c)))
        if PAST_USERS in self._on:
            for day in list(self.days)[:WEEKDAYS]:
                while (await self._run(self._on[PAST_USERS], day)).again:
                    pass
        self._set_names()
        await together(*(self._collect(c) for c in self._on.values() if c.daily))

    async def items_of(self, day: date) -> dict[str, dict[str, Item]]:
        """Return by collector the items of complete days that were served on a day."""
        found = {}
        for collector in self._on.values():
            if collector.daily:
                result = await self._run(collector, day)
                drafts = {key: each for key, each in result.items.items() if not each.of_day}
                found[collector.name] = {key: _item(day, [each]) for key, each in drafts.items()}
            elif is_per_day(collector) and (item := self.record.item(collector.name, day)):
                found[collector.name] = {"": item}
        return found

    async def _collect(self, collector: Collector) -> None:
        """Collect all days, from the newer family if the endpoint of the seeds is gone."""
        name, seeds = collector.name, self._generations[collector.name]
        await self._each_day(collector)
        while collector.v2 and seeds.may_be_gone:
            del self._failed[name]
            await self._each_day(collector)
        if collector.v2 and seeds.is_gone:
            del self._failed[name]
            newer = self._on[name] = replace(collector, collect=collector.v2, daily=False, v2=None)
            await self._each_day(newer)

    async def _each_day(self, collector: Collector) -> None:
        """Run a collector for each day that it needs a run for and the record lacks."""
        if collector.daily:
            await self._run(collector, self.days.last)
            return
        for day in [self.days.last] if collector.name in LISTS else self.days:
            if self.record.item(collector.name, day) is None:
                result = await self._run(collector, day)
                drafts = [draft for draft in result.items.values() if not draft.of_day]
                if not result.error:
                    item = _item(day, drafts, samples=collector.windows)
                    self.record.put(collector.name, item, complete=not result.failed)

    async def _run(self, collector: Collector, day: date) -> Result:
        """Run a collector as on `day`, without the items that failed before.

        Errors are in the result, under "" if there is one of the whole run.
        """
        failed = self._failed.get(collector.name, {})
        prefix = "" if collector.daily else f"{day}/"
        if prefix in failed:
            return Result()
        run = Run(
            org=self.org,
            api=self.api,
            day=day,
            now=0.0,
            interval=_INTERVAL,
            page_size=self.page_size,
            history=self.record.history,
            queued=Collection(
                org=self.org.key, name=collector.name, due_at=0.0, interval=_INTERVAL
            ),
            items={},
            courses=list(self.courses) if collector.per_course else (),
            mentors=list(self.mentors) if collector.per_mentor else (),
            is_due=lambda key: prefix + key not in failed,
            payload_error=self.payload_error,
            past=Span(self.days.first - timedelta(days=EXPECTED_DAYS), self.days.last),
        )
        try:
            result = await collector.collect(run)
        except ITEM_ERRORS as error:
            result = Result(failed={"": error})
        except Exception as error:  # noqa: BLE001 - a bug costs no other collector
            result = Result(failed={"": unexpected(error, run)})
        self.check()
        self._generations[collector.name].observe(result.error)
        if result.failed:
            known = self._failed.setdefault(collector.name, {})
            known |= {prefix + key: failure for key, failure in result.failed.items()}
        return result

    def _set_names(self) -> None:
        """Note the courses and mentors of all days: a name is the latest that is not empty."""
        courses: dict[str, str] = {}
        mentors: dict[str, str] = {}
        for item in self.record.items():
            for names, known in ((item.courses, courses), (item.mentors, mentors)):
                known |= {id_: name or known.get(id_, "") for id_, name in names.items()}
        self.courses = {id_: name for id_, name in courses.items() if self.org.courses.wants(id_)}
        if not self.org.discovers_mentors:
            mentors = {id_: mentors.get(id_, "") for id_ in self.org.mentors}
        self.mentors = mentors


def _item(day: date, drafts: Iterable[NewItem], *, samples: bool = True) -> Item:
    """Return one item with the values and names of some drafts."""
    drafts = list(drafts)
    return Item(
        samples=tuple(f for d in drafts for f in d.samples.compact()) if samples else (),
        day=day,
        collected=0.0,
        interval=0.0,
        courses={id_: name for draft in drafts for id_, name in draft.courses.items()},
        mentors={id_: name for draft in drafts for id_, name in draft.mentors.items()},
    )
