"""The poller: what APScheduler calls, and what the rest of the exporter may ask.

Guarantee: polling goes on whatever a collection does. A check that fails is logged and counted,
and the next one follows.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from exporter.polling.collecting import Collecting
from exporter.polling.configuration import Configuration
from exporter.polling.context import Context
from exporter.polling.days import Days
from exporter.polling.keys import Keys
from exporter.polling.overload import Overload
from exporter.polling.recording import Recorder
from exporter.polling.schedule import Schedule
from exporter.polling.state import CollectorState, OrgState
from exporter.saved import Attempts
from exporter.scheduler import Collection
from exporter.settings import ApiLimits, Org
from exporter.snapshots import Item

TICK = 0.25
"""Seconds between two checks of what is due."""

MAINTENANCE = 10.0
"""Seconds between two checks of keys and of demand."""

CLOSE_TIMEOUT = 1.0
"""Seconds that collections have to end when the exporter stops."""

log = structlog.get_logger(__name__)


class Poller:
    """Runs every collector of every org, for as long as it is open."""

    def __init__(self, context: Context, *, page_size: int) -> None:
        self._clock = context.clock
        self._telemetry = context.telemetry
        self._snapshots = context.snapshots
        self._schedule = Schedule(context, run=self._run)
        self._collecting = Collecting(context, page_size=page_size)
        self._recorder = Recorder(context, self._schedule)
        self._days = Days(context, self._schedule)
        self._configuration = Configuration(context, self._schedule, self._days)
        self._keys = Keys(context, self._schedule)
        self._overload = Overload(context, self._schedule)
        self._started = self._clock.monotonic()
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._job_failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    @property
    def ready(self) -> bool:
        """Whether every org was polled once with the core collectors, or an interval passed."""
        if not self.unpolled:
            return True
        longest = max(state.org.interval for state in self._schedule.orgs)
        return self._clock.monotonic() - self._started >= longest

    @property
    def unpolled(self) -> int:
        """How many orgs were not polled yet with every core collector."""
        return sum(
            any(entry.first for entry in state.collectors.values()) for state in self._schedule.orgs
        )

    def start(self) -> None:
        """Start to poll."""
        self._started = self._clock.monotonic()
        self._scheduler.add_job(self._tick, "interval", seconds=TICK)
        self._scheduler.add_job(self._maintain, "interval", seconds=MAINTENANCE)
        self._scheduler.start()
        self.tick()
        self.maintain()

    async def close(self) -> None:
        """Stop, and cancel the collections that run."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        tasks = [task for state in self._schedule.orgs for task in self._schedule.cancel(state)]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)

    def set_orgs(self, orgs: Iterable[Org], *, attempts: Attempts | None = None) -> None:
        """Poll these orgs and no others.

        `attempts` are those of an earlier process, whose data was restored.
        """
        for _ in self._configuration.apply(orgs, attempts or {}):
            pass
        self._overload.check()
        self._expire(every=True)

    async def change_orgs(self, orgs: Iterable[Org], limits: ApiLimits) -> None:
        """Do the same org by org, so that a thousand of them do not block the event loop."""
        self._collecting.page_size = limits.page_size
        for _ in self._configuration.apply(orgs, {}):
            await asyncio.sleep(0)
        self._overload.check()
        self._expire(every=True)

    def tick(self) -> None:
        """Queue what is due, and drop what is no longer valid."""
        self._days.follow()
        self._expire()
        self._schedule.queue_due()

    def _expire(self, *, every: bool = False) -> None:
        def lifetime(org: str, collector: str, item: Item) -> float:
            state = self._schedule.get(org)
            return state.lifetime(collector, item) if state else 0.0

        self._snapshots.expire(self._clock.monotonic(), lifetime, every=every)

    def maintain(self) -> None:
        """Notice changed keys, and how far demand exceeds the limits."""
        self._keys.check()
        self._overload.check()

    async def _tick(self) -> None:
        self.tick()

    async def _maintain(self) -> None:
        self.maintain()

    def begin(self, queued: Collection) -> None:
        """Run a collection that got its first slot. Called by the queue of its host."""
        self._schedule.start(queued)

    def next_run(self, org: str, collector: str) -> datetime | None:
        """Return when a collector is due next, or None if it waits for a slot or runs."""
        return self._schedule.next_run(org, collector)

    async def run_once(self, org: str, name: str, *, seeds_gone: bool = False) -> None:
        """Run a collector now, for `check --live`; return when it has ended.

        With `seeds_gone`, one more 404 is enough to try the newer family.
        """
        state = self._schedule.get(org)
        assert state is not None, org
        entry = state.collectors[name]
        if seeds_gone:
            entry.generation.expect_gone()
        now = self._clock.monotonic()
        queued = Collection(org=org, name=name, due_at=now, interval=entry.due.interval)
        entry.failing.clear()
        await self._run(state, entry, queued, every_item=True)

    async def _run(
        self,
        state: OrgState,
        entry: CollectorState,
        queued: Collection,
        *,
        every_item: bool = False,
    ) -> None:
        collected = await self._collecting.collect(state, entry, queued, every_item=every_item)
        if self._schedule.get(state.key) is state:  # else it was reconfigured meanwhile
            self._recorder.record(state, entry, collected)

    def _job_failed(self, event: object) -> None:
        self._telemetry.process.missed()
        log.error("scheduler job failed", job=getattr(event, "job_id", ""))
