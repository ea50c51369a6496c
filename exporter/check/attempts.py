"""Runs each collector once, without a schedule."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from exporter import catalog, collectors
from exporter.api.endpoints import Endpoint
from exporter.check.series import Series, Size, assumed_size, count, expected_of_active_users
from exporter.clock import Clock
from exporter.collectors import Collector
from exporter.exposition import Format
from exporter.settings import Org, Settings
from exporter.telemetry import Telemetry
from exporter.wiring import Pipeline

_ORGS_AT_ONCE = 20
_OK = "200"
_RETRIES = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The result of one collector of one org. `status` is an HTTP status, or the kind of an error.

    `absent` means that the deployment does not offer it, or that the key has no access.
    """

    org: str
    collector: Collector
    status: str
    seconds: float
    series: int
    error: str
    success: bool
    absent: bool


class Statuses:
    """Records the status of each request by org and endpoint, and forwards it to telemetry."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._seen: dict[tuple[str, str], list[str]] = {}

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:
        """Record a request."""
        self._seen.setdefault((org, endpoint), []).append(code)
        self._telemetry.requested(org, endpoint, code, seconds)

    def retried(self, org: str, endpoint: str) -> None:
        """Forward a retry."""
        self._telemetry.retried(org, endpoint)

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Forward a response that asked to slow down."""
        self._telemetry.rate_limited(org, endpoint)

    def of(self, org: str, endpoint: Endpoint) -> list[str]:
        """Return the statuses of an endpoint so far."""
        return self._seen.get((org, endpoint.name), [])


class Attempts:
    """A pipeline without a schedule and without a state file."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        limits = replace(settings.api, retries=min(settings.api.retries, _RETRIES))
        self._orgs = settings.orgs
        alone = replace(settings, api=limits, state_dir=None)
        self.pipeline = Pipeline(alone, clock, observe=self._observe)
        self.pipeline.poller.set_orgs(settings.orgs)

    def _observe(self, telemetry: Telemetry) -> Statuses:
        self.statuses = Statuses(telemetry)
        return self.statuses

    async def run(self, done: Callable[[], None]) -> list[Attempt]:
        """Run each collector of each org once and return the results. `done` is called for each."""

        async def run_org(org: Org) -> None:
            # Collectors of single courses and mentors need the lists of others.
            own = collectors.of(org)
            lists = [c for c in own if c.lists_courses or c.lists_mentors]
            for batch in (lists, [c for c in own if c not in lists]):
                async with asyncio.TaskGroup() as group:
                    for collector in batch:
                        group.create_task(run_collector(org, collector))
            if self._seeds_gone(org):
                for collector in (*lists, *(c for c in own if c not in lists)):
                    if collector.v2 is not None and not self._missing_list(org, collector):
                        await poller.run_once(org.key, collector.name, seeds_gone=True)

        async def run_collector(org: Org, collector: Collector) -> None:
            if not self._missing_list(org, collector):
                await poller.run_once(org.key, collector.name)
            done()

        poller = self.pipeline.poller

        await for_each(self._orgs, run_org)
        return [self._attempt(org, c) for org in self._orgs for c in collectors.of(org)]

    def _seeds_gone(self, org: Org) -> bool:
        """Return whether all endpoints of the seeds failed, so that the newer family is tried."""
        outcomes = self.pipeline.telemetry.outcomes(org.key)
        own = [c for c in collectors.of(org) if c.v2 is not None]
        return not any(outcomes[c.name].success for c in own)

    async def close(self) -> None:
        """Close all connections."""
        await self.pipeline.close()

    def sizes(self) -> dict[str, Size]:
        """Return the size of each org, an assumed one if its courses or mentors are not known."""
        return {org.key: self._size(org) for org in self._orgs}

    def known_courses(self, org: Org) -> int:
        """Return how many listed courses of an org have metrics of their own."""
        return sum(map(org.courses.wants, self.pipeline.snapshots.courses(org.key)))

    def series(self) -> Mapping[str, Series]:
        """Return the series of each org, as `/metrics` has them now.

        The expected range of active users takes several runs, so it is added if it is missing.
        """
        self.pipeline.telemetry.flush()
        return {org.key: self._series(org) for org in self._orgs}

    def process_series(self) -> int:
        """Return the series of the process as a whole."""
        return count([self.pipeline.telemetry.process.text(Format.TEXT)])

    def _missing_list(self, org: Org, collector: Collector) -> str:
        """Return the list that a collector needs and that failed, or an empty text."""
        outcomes = self.pipeline.telemetry.outcomes(org.key)
        own = collectors.of(org)
        if collector.per_course and not any(
            outcomes[c.name].success for c in own if c.lists_courses
        ):
            return "courses"
        if (
            collector.per_mentor
            and org.discovers_mentors
            and not any(outcomes[c.name].success for c in own if c.lists_mentors)
        ):
            return "mentors"
        return ""

    def _size(self, org: Org) -> Size:
        assumed = assumed_size(org)
        courses = self.pipeline.snapshots.courses(org.key)
        mentors = self.pipeline.snapshots.mentors(org.key)
        return Size(
            courses=self.known_courses(org) if courses else assumed.courses,
            mentors=len(mentors) if mentors and org.discovers_mentors else assumed.mentors,
        )

    def _series(self, org: Org) -> Series:
        families = self.pipeline.lines.families_of(org.key, catalog.METRICS)
        sizes = {metric: count(texts) for metric, texts in families}
        own = sum(n for metric, n in sizes.items() if metric.area is catalog.Area.EXPORTER)
        pending = 0
        if self.pipeline.telemetry.outcome(org.key, "past_active_users").success:
            pending = sum(metric not in sizes for metric in expected_of_active_users())
        values = min(sum(sizes.values()) - own + pending, org.series_limit)
        return Series(values=values, own=own, uncertain=0)

    def _attempt(self, org: Org, collector: Collector) -> Attempt:
        outcome = self.pipeline.telemetry.outcome(org.key, collector.name)
        codes = self.statuses.of(org.key, collector.endpoint)
        succeeded = outcome.success and not outcome.error
        missing = self._missing_list(org, collector)
        failed = next((code for code in codes if code != _OK), "")
        return Attempt(
            org=org.key,
            collector=collector,
            status=(_OK if succeeded or not failed else failed) if codes and not missing else "",
            seconds=outcome.duration,
            series=self.pipeline.renderer.series(org.key, collector.name),
            error=f"not run, since there is no list of {missing}" if missing else outcome.error,
            success=outcome.success,
            absent=outcome.absent,
        )


async def for_each(orgs: Iterable[Org], work: Callable[[Org], Awaitable[None]]) -> None:
    """Do the work for every org, for several at a time."""
    queue = iter(list(orgs))

    async def worker() -> None:
        for org in queue:
            await work(org)

    async with asyncio.TaskGroup() as group:
        for _ in range(_ORGS_AT_ONCE):
            group.create_task(worker())
