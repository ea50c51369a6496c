"""When: every org at its own times, each visit apart from all others.

What an org has of one rhythm is due together, so that a thousand orgs are two thousand jobs. A
visit that is due while the one before it still goes on is counted as missed, and made up for as
soon as that one ends. One that comes late comes all the same.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from exporter import catalog, collectors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Refused
from exporter.api.payloads import PayloadError, Reason
from exporter.clock import Clock
from exporter.collectors import Collector, Rhythm
from exporter.collectors.visit import Asker, Findings, Visit
from exporter.rounds import Rounds
from exporter.samples import Samples
from exporter.settings import ApiLimits, Org
from exporter.snapshots import Snapshot, SnapshotStore, headline, render
from exporter.telemetry import MIN_GROUP_SIZE, SERIES_LIMIT, Telemetry
from exporter.windows import BASELINES, local_date, window

log = structlog.get_logger(__name__)

ALERTS = "alerts"
"""Name under which the thresholds of an org stand in the snapshot store."""

PATIENCE = 10
"""A visit may take this many request timeouts, or its rhythm if that is longer."""

_RHYTHMS = {collector.name: collector.rhythm for collector in collectors.COLLECTORS}
_AFTER_MIDNIGHT = timedelta(seconds=5)
_LEAVE = 1.0
"""Seconds that visits under way are given to end."""

_LOOK_EVERY = 10.0
"""Seconds between two looks at the clock and at the age of what is known."""

_ASLEEP = 30.0
"""Seconds without a look after which the machine must have slept, or hardly got on."""

_SET = 5.0
"""Seconds by which the wall clock must have left the monotonic one to have been set."""


class NoCoursesError(Exception):
    """No list of courses has been read yet, so nothing can be asked about each."""


@dataclass(slots=True)
class _Watch:
    """One org under observation, from the moment its configuration is taken until it changes."""

    org: Org
    collectors: tuple[Collector, ...]
    constants: Mapping[str, str]
    day: date | None = None
    kept: dict[object, float] = field(default_factory=dict)
    running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    due_again: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)
    listed: asyncio.Event = field(default_factory=asyncio.Event)

    def due(self, rhythm: Rhythm) -> tuple[Collector, ...]:
        """Return the collectors of a rhythm."""
        return tuple(c for c in self.collectors if c.rhythm is rhythm)

    def untried(self) -> bool:
        """Tell whether a visit that every org gets at its start has not ended yet."""
        return any(c.name not in self.tried for c in self.collectors if not c.per_course)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a visit brought nothing. `asked` is False where the API was not even asked."""

    error: str
    asked: bool = True
    refused: bool = False


class Poller:
    """Visits every org with every collector it wants, for as long as it is open."""

    def __init__(
        self,
        *,
        api: Asker,
        store: SnapshotStore,
        telemetry: Telemetry,
        limits: ApiLimits,
        clock: Clock,
    ) -> None:
        self._api = api
        self._store = store
        self._telemetry = telemetry
        self._limits = limits
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._runs: set[asyncio.Task[None]] = set()
        self._untried: set[str] = set()
        self._ahead = self._wall_ahead()
        self._looked = clock.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(
            self._not_run, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR
        )

    @property
    def ready(self) -> bool:
        """Whether every org has been tried once since the start."""
        return not self.untried

    @property
    def untried(self) -> int:
        """How many orgs have not been tried yet.

        One that lets itself be waited for has been, though its first visits may go on for long:
        it is not to keep the others from being ready.
        """
        return sum(not self._telemetry.kept_waiting(org) for org in self._untried)

    def start(self) -> None:
        """Begin to visit."""
        self._scheduler.start()
        self._look()

    async def close(self) -> None:
        """Visit no more, and leave the visits under way."""
        if self._timer is not None:
            self._timer.cancel()
        if self._scheduler.running:
            # What is broken off at the end has not been missed.
            self._scheduler.remove_listener(self._not_run)
            self._scheduler.pause()
        tasks = [task for watch in self._watches.values() for task in watch.running.values()]
        self._watches.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LEAVE)
        if self._scheduler.running:
            # Not before: of each run that it has to cancel itself it formats the traceback, and
            # with thousands of them that takes longer than an end may.
            self._scheduler.shutdown(wait=False)

    def set_orgs(self, orgs: Iterable[Org], limits: ApiLimits | None = None) -> None:
        """Watch these orgs and no others; those that did not change are left in peace.

        An org that goes vanishes with all its series at once.
        """
        for _ in self._changes(orgs, limits):
            pass

    async def change_orgs(self, orgs: Iterable[Org], limits: ApiLimits) -> None:
        """Do the same org by org, so that a thousand of them do not hold the event loop."""
        for _ in self._changes(orgs, limits):
            await asyncio.sleep(0)

    def next_visit(self, org: str, collector: str) -> datetime | None:
        """Return when a collector is due next."""
        job = self._scheduler.get_job(_job(org, _RHYTHMS[collector]))
        return getattr(job, "next_run_time", None)

    async def begin(self, org: str, rhythm: Rhythm) -> None:
        """Begin a visit to an org with each collector of a rhythm, and do not wait for its end."""
        watch = self._watches.get(org)
        if watch is None:
            return
        due = watch.due(rhythm)
        self._miss(watch, [c.name for c in due if c.name in watch.running])
        for collector in due:
            if collector.name not in watch.running:
                task = asyncio.create_task(self.run(org, collector))
                self._runs.add(task)
                task.add_done_callback(self._runs.discard)

    async def run(self, org: str, collector: Collector) -> None:
        """Visit an org once, and again if another visit came due in the meantime."""
        name = collector.name
        watch = self._watches.get(org)
        while watch is not None and name not in watch.running:
            task = asyncio.create_task(self._visit_guarded(watch, collector))
            watch.running[name] = task
            await asyncio.wait([task])
            watch.running.pop(name, None)
            # The org may be watched anew by now, and its first visit have found this one going on.
            watch = self._watches.get(org)
            if watch is None or name not in watch.due_again:
                return
            watch.due_again.discard(name)

    def look(self) -> None:
        """Have the schedule follow a clock that was set, and let go what is too old."""
        back = self._ahead - self._wall_ahead()
        if abs(back) >= _SET:
            self._ahead -= back
            log.info("the clock was set, the schedule follows", seconds=round(-back))
            if back > 0:
                # Left alone, everything would wait until the clock is where it was.
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=job.next_run_time - timedelta(seconds=back))
            else:
                self._scheduler.wakeup()
        now = self._clock.monotonic()
        if self._scheduler.running and now - self._looked > _ASLEEP:
            # The machine slept, and timers only count what it is awake.
            self._scheduler.wakeup()
        self._looked = now
        for org, _ in self._store.expire(now):
            self._telemetry.touch(org)

    def _look(self) -> None:
        self.look()
        self._timer = asyncio.get_running_loop().call_later(_LOOK_EVERY, self._look)

    def _wall_ahead(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _changes(self, orgs: Iterable[Org], limits: ApiLimits | None) -> Iterator[None]:
        """Go from the orgs that are watched to others, a step for each that changes."""
        self._limits = limits or self._limits
        wanted = {org.key: org for org in orgs}
        for key in self._watches.keys() - wanted.keys():
            self._leave(key)
            self._store.drop(key)
            self._telemetry.forget(key)
            yield
        new = [
            org
            for key, org in wanted.items()
            if key not in self._watches or self._watches[key].org != org
        ]
        for place, org in enumerate(new):
            self._watch(org, place=place, among=len(new))
            yield

    def _watch(self, org: Org, *, place: int, among: int) -> None:
        before = self._watches.get(org.key)
        own = collectors.of(org)
        watch = _Watch(org, own, org.constants())
        if before is not None:
            self._leave(org.key)
            if before.constants != watch.constants or before.org.base_url != org.base_url:
                self._store.drop(org.key)
            for gone in set(self._store.of(org.key)) - {collector.name for collector in own}:
                self._store.remove(org.key, gone)
            watch.tried = before.tried
        self._watches[org.key] = watch
        self._telemetry.watch(org.key, watch.constants, [(c.name, c.endpoint) for c in own])
        self._today(watch)
        self._note_tried(watch)
        for rhythm in Rhythm:
            due = watch.due(rhythm)
            if not due:
                continue
            gap = self._gap(watch, rhythm, among)
            self._scheduler.add_job(
                self.begin,
                Rounds(
                    first=self._clock.now() + place * gap,
                    every=timedelta(seconds=rhythm.seconds(org)),
                    zone=org.zone,
                    after_midnight=_AFTER_MIDNIGHT + place * gap,
                    missed=partial(self._missed, len(due)),
                ),
                args=(org.key, rhythm),
                id=_job(org.key, rhythm),
            )

    def _leave(self, key: str) -> None:
        watch = self._watches.pop(key)
        self._untried.discard(key)
        for task in watch.running.values():
            task.cancel()
        for rhythm in Rhythm:
            if watch.due(rhythm):
                self._scheduler.remove_job(_job(key, rhythm))

    def _gap(self, watch: _Watch, rhythm: Rhythm, among: int) -> timedelta:
        """Return the time between the first visits to two orgs.

        Few orgs start as quickly as the rate limit lets them, many are spread over the rhythm.
        """
        requests = sum(c.requests(watch.org, courses=0) for c in watch.due(rhythm))
        return timedelta(
            seconds=min(rhythm.seconds(watch.org) / among, requests / self._limits.rate_limit)
        )

    async def _visit_guarded(self, watch: _Watch, collector: Collector) -> None:
        """Visit, and let no failure out."""
        began = self._clock.monotonic()
        failure = await self._try(watch, collector)
        if self._watches.get(watch.org.key) is watch:
            self._tell(watch, collector, failure, seconds=self._clock.monotonic() - began)
            watch.tried.add(collector.name)
            self._note_tried(watch)

    async def _try(self, watch: _Watch, collector: Collector) -> _Failure | None:
        """Visit, keep what was found, and return what went wrong instead."""
        org = watch.org.key
        limit = max(collector.rhythm.seconds(watch.org), PATIENCE * self._limits.timeout)
        try:
            async with asyncio.timeout(limit):
                findings = await collector.visit(self._visit(watch, collector))
            if self._watches.get(org) is watch:
                self._take(watch, collector, findings)
        except ApiError as failure:
            refused = isinstance(failure, Refused)
            return _Failure(str(failure), asked=failure.asked, refused=refused)
        except (PayloadError, NoCoursesError) as failure:
            return _Failure(f"{org}: {failure}")
        except TimeoutError:
            return _Failure(f"{org}: the visit was broken off after {limit:.0f} s")
        except Exception as failure:
            # The text of an unforeseen exception may hold anything, a payload too.
            error = f"{org}: unforeseen {type(failure).__name__} in {_place(failure)}"
            log.exception("visit crashed", org=org, collector=collector.name, error=error)
            return _Failure(error)
        return None

    def _tell(
        self, watch: _Watch, collector: Collector, failure: _Failure | None, *, seconds: float
    ) -> None:
        """Note and log what came of a visit."""
        org, name = watch.org.key, collector.name
        now = self._clock.now().timestamp()
        before = self._telemetry.outcome(org, name)
        if failure is None:
            self._telemetry.succeeded(org, name, at=now, seconds=seconds)
            log.debug("visited", org=org, collector=name, seconds=round(seconds, 3))
            if before.error:
                log.info("collector recovered", org=org, collector=name)
        elif failure.refused and collector.optional and not before.last_success:
            self._telemetry.absent(org, name, failure.error)
            level = log.debug if before.absent else log.info
            level("collector has nothing to ask", org=org, collector=name, reason=failure.error)
        else:
            if failure.asked:
                self._telemetry.failed(org, name, failure.error, at=now, seconds=seconds)
            else:
                self._telemetry.held_back(org, name, failure.error)
            # What is held back says for how long, so its text is never the same twice.
            news = failure.error != before.error if failure.asked else not before.error
            level = log.warning if news else log.debug
            level("collector failed", org=org, collector=name, error=failure.error)

    def _visit(self, watch: _Watch, collector: Collector) -> Visit:
        org = watch.org
        day = self._today(watch)

        def flawed(endpoint: Endpoint, reason: Reason, count: int) -> None:
            self._telemetry.flawed(org.key, endpoint, reason, count)
            log.debug(
                "payload error", org=org.key, endpoint=endpoint.name, reason=reason, count=count
            )

        return Visit(
            org=org,
            api=self._api,
            day=day,
            rhythm=collector.rhythm.seconds(org),
            priority=collector.rhythm.value,
            page_size=self._limits.page_size,
            kept=watch.kept,
            courses=lambda: self._courses(watch),
            flawed=flawed,
        )

    def _today(self, watch: _Watch) -> date:
        """Return the org's date; on a new one, forget what was kept for the day before."""
        day = local_date(self._clock.now(), watch.org.zone)
        if watch.day != day:
            watch.day = day
            # A visit that began before midnight keeps the dictionary it was given.
            watch.kept = {}
            self._store.write((watch.org.key, ALERTS), render(_alerts(watch), watch.constants))
        return day

    async def _courses(self, watch: _Watch) -> Mapping[str, str]:
        """Return the org's courses, once those who list them have had a fair chance."""
        await watch.listed.wait()
        listers = [c.name for c in watch.collectors if c.lists_courses]
        if not any(self._store.get(watch.org.key, name) for name in listers):
            wanted = " or ".join(c.name for c in collectors.COLLECTORS if c.lists_courses)
            raise NoCoursesError(
                f"no list of courses yet: it comes from {wanted}, and none of them has succeeded"
            )
        return self._store.courses(watch.org.key)

    def _take(self, watch: _Watch, collector: Collector, findings: Findings) -> None:
        """Make findings a snapshot, within the org's limits."""
        org, samples = watch.org, findings.samples
        if withheld := samples.withhold(below=org.min_group_size):
            self._telemetry.dropped(org.key, MIN_GROUP_SIZE, withheld)
        if cut := self._fit(watch, collector, findings):
            self._telemetry.dropped(org.key, SERIES_LIMIT, cut)
            log.warning("series dropped", org=org.key, collector=collector.name, series=cut)
        self._store.put(
            Snapshot(
                org=org.key,
                collector=collector.name,
                taken=self._clock.now(),
                expires=self._clock.monotonic() + org.staleness(collector.rhythm.seconds(org)),
                lines=render(samples, watch.constants),
                series=len(samples),
                courses=findings.courses,
                headline=headline(samples),
                daily=findings.daily,
            ),
            watch.constants,
        )

    def _fit(self, watch: _Watch, collector: Collector, findings: Findings) -> int:
        """Cut findings to what the org's other snapshots leave of its limit; return how many.

        Room is kept for the figures of the org as a whole, whoever comes first.
        """
        samples, courses = findings.samples, findings.courses
        room = watch.org.series_limit - catalog.ORG_FIGURES
        others = [
            s for s in self._store.of(watch.org.key).values() if s.collector != collector.name
        ]
        if len(samples) + len(courses) + sum(s.series + len(s.courses) for s in others) <= room:
            return 0
        named = {course_id for other in others for course_id in other.courses}
        taken = sum(other.series for other in others) + len(named)
        whole = sum(len(other.headline) for other in others)
        if len(samples) + len(courses) + taken <= room:
            return 0
        limit = max(watch.org.series_limit - taken, 0)
        parts = max(watch.org.series_limit - catalog.ORG_FIGURES - (taken - whole), 0)
        cut = samples.truncate(
            limit, parts=parts, toll=lambda part: part[0] in courses and part[0] not in named
        )
        # The name of a course is a series too, and has been paid for where the course was kept.
        kept = samples.parts()
        new = [course_id for course_id in courses if course_id not in named]
        unpaid = [course_id for course_id in new if (course_id,) not in kept]
        left = min(limit, parts) - kept.total() - (len(new) - len(unpaid))
        for course_id in unpaid[max(left, 0) :]:
            del courses[course_id]
            cut += 1
        return cut

    def _note_tried(self, watch: _Watch) -> None:
        if watch.untried():
            self._untried.add(watch.org.key)
        else:
            self._untried.discard(watch.org.key)
        if all(c.name in watch.tried for c in watch.collectors if c.lists_courses):
            watch.listed.set()

    def _missed(self, visits: int, times: int) -> None:
        self._telemetry.missed(visits * times)

    def _miss(self, watch: _Watch, names: Collection[str]) -> None:
        """Take note of visits that are due while those before them go on."""
        if not names:
            return
        self._telemetry.missed(len(names))
        # A visit that goes on and on misses many; the first is news.
        news = not watch.due_again.issuperset(names)
        watch.due_again.update(names)
        level = log.warning if news else log.debug
        level("runs missed", org=watch.org.key, collectors=",".join(names))

    def _not_run(self, event: Any) -> None:
        """Take note of what APScheduler could not begin."""
        org, _, rhythm = str(event.job_id).rpartition("/")
        watch = self._watches.get(org)
        self._missed(len(watch.due(Rhythm[rhythm])) if watch is not None else 1, 1)
        log.warning("runs missed", org=org, rhythm=rhythm)


def _alerts(watch: _Watch) -> Samples:
    """Return the thresholds of an org, and whether its windows hold quiet days."""
    org = watch.org
    samples = Samples()
    samples.add(catalog.ALERT_DROP_RATIO, org.alerts.drop_ratio)
    samples.add(catalog.ALERT_MIN_BASELINE, org.alerts.min_baseline)
    if watch.day is not None:
        for name, length in BASELINES.items():
            quiet = any(map(org.is_quiet, window(length, watch.day)))
            samples.add(catalog.ALERT_QUIET[name], quiet)
    return samples


def _job(org: str, rhythm: Rhythm) -> str:
    return f"{org}/{rhythm.name}"


def _place(failure: BaseException) -> str:
    """Return where an exception was raised, without its text."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    code = trace.tb_frame.f_code
    return f"{code.co_qualname} (line {trace.tb_lineno})"
