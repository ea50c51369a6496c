"""Polls every org: decides what is due, runs it in its turn, and keeps what it returns.

APScheduler calls `tick` a few times a second. What is due by then waits in the queue of its host,
which decides on the order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo  # noqa: TC003 - one import style for the module

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from exporter import collectors
from exporter.api.endpoints import Endpoint
from exporter.api.errors import ApiError, Kind, RateLimitedError, RejectedError
from exporter.api.hosts import Hosts
from exporter.api.payloads import PayloadError, Reason
from exporter.clock import Clock
from exporter.collectors import Collector
from exporter.collectors.run import Api, NewItem, Result, Run
from exporter.exposition.orgs import OrgRenderer
from exporter.history.store import History
from exporter.saved import Attempt, SavedState, identity_of, scope_of
from exporter.scheduler import Collection, Due, Timetable, spread
from exporter.settings import ApiLimits, Org
from exporter.snapshots import Item, Snapshots
from exporter.telemetry import SEEDS, V2, Telemetry
from exporter.windows import local_date

log = structlog.get_logger(__name__)

TICK = 0.25
"""Seconds between two checks of what is due."""

PER_TICK = 2000
"""Collections queued in one tick, so that a hundred thousand orgs do not block the event loop."""

MAINTENANCE = 10.0
"""Seconds between two checks of keys and of demand."""

AFTER_MIDNIGHT = 5.0
"""Seconds after midnight at which complete days are due: the platform's clock may be behind."""

MIDNIGHT_SPREAD = 60.0
"""Seconds over which the collectors of all orgs are spread after midnight, at most."""

ABSENT_RETRY = 24 * 3600.0
"""Seconds after which an extra that a deployment does not offer is tried again."""

ALL_KEYS_EVERY = 30
"""Checks of keys that fail between two checks of all keys."""

CLOSE_TIMEOUT = 1.0
"""Seconds that collections have to end when the exporter stops."""

GONE_AFTER = 3
"""Responses of 404 or 410 in a row after which an endpoint of the seeds is gone."""

TRY_SEEDS_EVERY = 12
"""Runs from the newer family between two attempts at the seeds' endpoint."""

_GONE = frozenset({404, 410})
_KEY_PROBLEMS = frozenset({Kind.UNAUTHORIZED, Kind.FORBIDDEN, Kind.NO_KEY, Kind.BAD_KEY})
_CATCH_UP = 1.0

Failure = ApiError | PayloadError


@dataclass(slots=True)
class _Entry:
    """One collector of one org: when it is due, what runs, and which items fail."""

    collector: Collector
    due: Due
    queued: Collection | None = None
    task: "asyncio.Task[None] | None" = None
    items: dict[str, Due] = field(default_factory=dict)
    """Items that failed while others succeeded, with their own backoff."""
    error_kind: Kind | None = None
    gone: int = 0
    """Times in a row that the API itself answered 404 or 410 for the seeds' endpoint."""
    runs_of_v2: int = 0
    """Runs since the newer family is the source; 0 while the seeds are."""
    absent_since: float | None = None


@dataclass(slots=True)
class _OrgState:
    """One configured org."""

    org: Org
    identity: str
    day: date
    entries: dict[str, _Entry] = field(default_factory=dict)
    absent_groups: set[str] = field(default_factory=set)
    stretch: float = 1.0


class Poller:
    """Runs every collector of every org, for as long as it is open."""

    def __init__(
        self,
        *,
        api: Api,
        hosts: Hosts,
        snapshots: Snapshots,
        renderer: OrgRenderer,
        history: History,
        telemetry: Telemetry,
        saved: SavedState,
        limits: ApiLimits,
        clock: Clock,
    ) -> None:
        self._api = api
        self._hosts = hosts
        self._snapshots = snapshots
        self._renderer = renderer
        self._history = history
        self._telemetry = telemetry
        self._saved = saved
        self._limits = limits
        self._clock = clock
        self._orgs: dict[str, _OrgState] = {}
        self._timetable = Timetable()
        self._days: dict[ZoneInfo, date] = {}
        self._pending: set[tuple[str, str]] = set()
        """First runs of core collectors that have not ended."""
        self._started = clock.monotonic()
        self._stretched = False
        self._maintained = 0
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._job_failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    @property
    def ready(self) -> bool:
        """Whether every org was polled once with the core collectors, or an interval passed."""
        if not self._pending:
            return True
        longest = max((state.org.interval for state in self._orgs.values()), default=0.0)
        return self._clock.monotonic() - self._started >= longest

    @property
    def unpolled(self) -> int:
        """How many orgs were not polled yet with every core collector."""
        return len({org for org, _ in self._pending})

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
        tasks = [
            entry.task
            for state in self._orgs.values()
            for entry in state.entries.values()
            if entry.task is not None
        ]
        for state in self._orgs.values():
            self._cancel(state.entries.values(), state.org)
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSE_TIMEOUT)

    # Configuration.

    def set_orgs(
        self,
        orgs: Iterable[Org],
        limits: ApiLimits | None = None,
        attempts: Mapping[tuple[str, str], Attempt] | None = None,
    ) -> None:
        """Poll these orgs and no others, with everything that is still valid of the known ones.

        `attempts` are those of an earlier process, whose data was restored.
        """
        for _ in self._changes(orgs, limits, attempts or {}):
            pass

    async def change_orgs(self, orgs: Iterable[Org], limits: ApiLimits) -> None:
        """Do the same org by org, so that a thousand of them do not block the event loop."""
        for _ in self._changes(orgs, limits, {}):
            await asyncio.sleep(0)

    def _changes(
        self,
        orgs: Iterable[Org],
        limits: ApiLimits | None,
        attempts: Mapping[tuple[str, str], Attempt],
    ) -> Iterator[None]:
        self._limits = limits or self._limits
        wanted = {org.key: org for org in orgs}
        for key in self._orgs.keys() - wanted.keys():
            self._remove(key)
            yield
        for key, org in wanted.items():
            known = self._orgs.get(key)
            if known is None or known.org != org or known.identity != identity_of(org):
                self._configure(org, known, attempts)
                yield
        self._share_demand()

    def _remove(self, key: str) -> None:
        state = self._orgs.pop(key)
        self._cancel(state.entries.values(), state.org)
        for name in state.entries:
            self._forget_entry(key, name)
        self._snapshots.drop(key)
        self._renderer.forget(key)
        self._telemetry.forget(key)
        self._history.forget(key)
        self._saved.forget(key)

    def _configure(
        self, org: Org, known: _OrgState | None, attempts: Mapping[tuple[str, str], Attempt]
    ) -> None:
        identity = identity_of(org)
        state = _OrgState(org, identity, self._days.setdefault(org.zone, self._today(org)))
        self._orgs[org.key] = state
        same = known is not None and (known.identity == identity or not identity)
        if known is not None:
            self._cancel(known.entries.values(), known.org)
            state.absent_groups = known.absent_groups if same else set()
            if not same:
                self._snapshots.drop(org.key)
                self._history.forget(org.key)
            elif scope_of(known.org) != scope_of(org):
                self._history.forget(org.key)
        self._saved.register(org, identity)
        own = collectors.of(org)
        before = known.entries if known is not None and same else {}
        rescoped = known is not None and scope_of(known.org) != scope_of(org)
        for gone in (known.entries.keys() if known else set()) - {c.name for c in own}:
            self._forget_entry(org.key, gone)
            self._drop_collector(org.key, gone)
        self._telemetry.register(
            org.key,
            org.constants(),
            [(c.name, c.endpoint) for c in own],
            showing_up=[c.name for c in own if c.shows_up],
        )
        for collector in own:
            entry = self._entry(state, collector, before.get(collector.name), attempts)
            state.entries[collector.name] = entry
            if rescoped:
                entry.due = entry.due.reset(self._clock.monotonic())
            self._plan(state, entry)
        self._renderer.configure(org)
        self._telemetry.touch(org.key)

    def _entry(
        self,
        state: _OrgState,
        collector: Collector,
        before: _Entry | None,
        attempts: Mapping[tuple[str, str], Attempt],
    ) -> _Entry:
        """Return the entry of a collector, with what is known of its attempts."""
        org = state.org
        now = self._clock.monotonic()
        due = Due(
            interval=self._interval(state, collector),
            since=now,
            spread=spread(org.key, collector.name),
        )
        key = org.key, collector.name
        attempt = attempts.get(key)
        if before is not None:
            due = replace(before.due, interval=due.interval)
        elif attempt is not None and attempt.last_success:
            ago = max(self._clock.now().timestamp() - attempt.last_attempt, 0.0)
            if attempt.last_attempt == attempt.last_success:
                due = due.succeeded(now - ago)
            self._telemetry.restored(
                *key, last_attempt=attempt.last_attempt, last_success=attempt.last_success
            )
        entry = _Entry(collector, due)
        if before is not None:
            entry.items, entry.error_kind = before.items, before.error_kind
            entry.absent_since = before.absent_since
            entry.gone, entry.runs_of_v2 = before.gone, before.runs_of_v2
        elif collector.first and not due.attempted:
            self._pending.add(key)
        return entry

    def _forget_entry(self, org: str, name: str) -> None:
        self._timetable.remove((org, name))
        self._pending.discard((org, name))

    def _drop_collector(self, org: str, name: str) -> None:
        keys = list(self._snapshots.items(org, name))
        self._saved.remove_items(org, name, keys)
        self._snapshots.drop(org, name)

    def _cancel(self, entries: Iterable[_Entry], org: Org) -> None:
        queue = self._hosts.site(org.base_url).host.queue
        for entry in entries:
            if entry.queued is not None:
                queue.discard(entry.queued)
                entry.queued = None
            if entry.task is not None:
                entry.task.cancel()

    # Time.

    async def _tick(self) -> None:
        self.tick()

    async def _maintain(self) -> None:
        self.maintain()

    def tick(self) -> None:
        """Queue what is due, and drop what is no longer valid."""
        self._end_days()
        now = self._clock.monotonic()
        gone: dict[tuple[str, str], list[str]] = {}
        for org, collector, key in self._snapshots.expire(now):
            gone.setdefault((org, collector), []).append(key)
        for (org, collector), keys in gone.items():
            self._saved.remove_items(org, collector, keys)
            self._telemetry.touch(org)
        for org, name in self._timetable.pop_due(now, at_most=PER_TICK):
            self._queue(org, name)

    def maintain(self) -> None:
        """Notice changed keys, and how far demand exceeds the limits."""
        self._maintained += 1
        all_keys = self._maintained % ALL_KEYS_EVERY == 0
        for state in self._orgs.values():
            failing = any(e.error_kind in _KEY_PROBLEMS for e in state.entries.values())
            if failing or all_keys:
                identity = identity_of(state.org)
                if identity and identity != state.identity:
                    self._key_changed(state, identity)
        self._share_demand()

    def _key_changed(self, state: _OrgState, identity: str) -> None:
        """Try everything that failed for the old key at once with the new one."""
        org = state.org.key
        log.info("API key changed, backoff is reset", org=org)
        state.identity = identity
        self._saved.register(state.org, identity)
        for name in state.entries:
            self._saved.save_items(org, name, self._snapshots.items(org, name))
        for series, part, values in self._history.of(org):
            self._saved.history_changed(org, series, part, values)
        self._hosts.site(state.org.base_url).host.queue.forget(state.org.key)
        for entry in state.entries.values():
            if entry.error_kind in _KEY_PROBLEMS:
                entry.due = entry.due.reset(self._clock.monotonic())
                self._plan(state, entry)

    def _end_days(self) -> None:
        """On a new day drop the values of the last one, and have complete days collected."""
        now = self._clock.now()
        new = {
            zone: day for zone in self._days if (day := local_date(now, zone)) != self._days[zone]
        }
        if not new:
            return
        self._days.update(new)
        self._history.trim(after=max(self._days.values()))
        for state in self._orgs.values():
            if state.day != (today := self._days[state.org.zone]):
                state.day = today
                self._begin_day(state)

    def _begin_day(self, state: _OrgState) -> None:
        org = state.org.key
        for collector, key in self._snapshots.end_day(org, state.day):
            self._saved.remove_items(org, collector, [key])
        self._telemetry.touch(org)
        now = self._clock.monotonic()
        for entry in state.entries.values():
            if entry.collector.windows and not entry.due.backing_off and entry.queued is None:
                offset = AFTER_MIDNIGHT + entry.due.spread / 0.05 * min(
                    MIDNIGHT_SPREAD, state.org.interval / 4
                )
                entry.due = entry.due.no_later_than(now + offset)
                self._plan(state, entry)

    def _today(self, org: Org) -> date:
        return local_date(self._clock.now(), org.zone)

    # What is due.

    def next_run(self, org: str, collector: str) -> datetime | None:
        """Return when a collector is due next, or None if it waits in the queue or runs."""
        state = self._orgs.get(org)
        entry = state.entries.get(collector) if state else None
        if state is None or entry is None or entry.queued is not None:
            return None
        wait = self._due_at(entry) - self._clock.monotonic()
        return self._clock.now() + timedelta(seconds=max(wait, 0.0))

    def _plan(self, state: _OrgState, entry: _Entry) -> None:
        """Set when a collector is due next, unless it is queued already."""
        if entry.queued is None:
            key = state.org.key, entry.collector.name
            self._timetable.set(key, self._due_at(entry))

    @staticmethod
    def _due_at(entry: _Entry) -> float:
        """Return when a collector is due, or one of its items that failed."""
        due = entry.due.at()
        if entry.absent_since is not None and entry.due.failures > 1:
            return max(due, entry.due.since + ABSENT_RETRY)
        retries = (item.at() for item in entry.items.values())
        return min((due, *retries))

    def _interval(self, state: _OrgState, collector: Collector) -> float:
        return collector.interval(
            state.org, courses=len(self._courses(state)), mentors=len(self._mentors(state))
        )

    def _courses(self, state: _OrgState) -> list[str]:
        wants = state.org.courses.wants
        return [id_ for id_ in self._snapshots.courses(state.org.key) if wants(id_)]

    def _mentors(self, state: _OrgState) -> list[str]:
        if state.org.discovers_mentors:
            return list(self._snapshots.mentors(state.org.key))
        return list(state.org.mentors)

    def _waits_for_list(self, state: _OrgState, collector: Collector) -> bool:
        """Return whether a collector needs a list of courses or mentors that is not there yet."""
        org = state.org.key
        for needed, lists in (
            (collector.per_course > 0, "lists_courses"),
            (collector.per_mentor > 0 and state.org.discovers_mentors, "lists_mentors"),
        ):
            listers = [name for name, e in state.entries.items() if getattr(e.collector, lists)]
            if needed and not any(self._snapshots.items(org, name) for name in listers):
                return True
        return False

    def _queue(self, org: str, name: str) -> None:
        """Have a collector that is due wait for its turn."""
        state = self._orgs.get(org)
        entry = state.entries.get(name) if state else None
        if state is None or entry is None or entry.queued is not None:
            return
        if self._waits_for_list(state, entry.collector):
            return  # due once there is a list
        now = self._clock.monotonic()
        entry.queued = Collection(
            org=org,
            name=name,
            due_at=min(self._due_at(entry), now),
            interval=entry.due.interval,
            first=(org, name) in self._pending,
        )
        self._hosts.site(state.org.base_url).host.queue.add(entry.queued)

    def begin(self, queued: Collection) -> None:
        """Run a collection whose turn it is. Called by the queue of its host."""
        state = self._orgs.get(queued.org)
        entry = state.entries.get(queued.name) if state else None
        if state is None or entry is None or entry.queued is not queued:
            raise LookupError("the collection is no longer wanted")
        if self._clock.monotonic() - queued.due_at > queued.interval + _CATCH_UP:
            self._telemetry.missed()
        queue = self._hosts.site(state.org.base_url).host.queue
        entry.task = task = asyncio.create_task(self._run(state, entry, queued))

        def ended(_: "asyncio.Task[None]") -> None:
            queue.finish(queued)
            if entry.task is task:
                entry.task = None
            if entry.queued is queued:
                entry.queued = None
                if self._orgs.get(queued.org) is state:
                    self._plan(state, entry)

        task.add_done_callback(ended)

    async def run_once(self, org: str, name: str, *, seeds_gone: bool = False) -> None:
        """Run a collector now, for `check --live`; return when it has ended.

        With `seeds_gone`, one more 404 is enough to try the newer family.
        """
        state = self._orgs[org]
        entry = state.entries[name]
        if seeds_gone:
            entry.gone = GONE_AFTER - 1
        now = self._clock.monotonic()
        queued = Collection(org=org, name=name, due_at=now, interval=entry.due.interval)
        entry.items.clear()
        await self._run(state, entry, queued, every_item=True)

    # Running.

    async def _run(
        self, state: _OrgState, entry: _Entry, queued: Collection, *, every_item: bool = False
    ) -> None:
        """Run a collector, keep its result, and let no failure out.

        Before the collector itself is due, only items that failed before or are new are collected,
        unless `every_item` is.
        """
        started = self._clock.monotonic()
        partial = not every_item and entry.due.attempted and entry.due.at() > started
        run = self._make_run(state, entry, queued, partial=partial)
        failure: Failure | None = None
        result = Result()
        try:
            result = await self._collect(entry, run)
            failure = result.error
        except (ApiError, PayloadError) as error:
            failure = error
        except Exception as error:
            # The text of an unexpected exception may hold anything, even a payload.
            text = f"{state.org.key}: unexpected {type(error).__name__} in {_place(error)}"
            failure = PayloadError(text)
            log.exception("collector crashed", org=state.org.key, collector=queued.name, error=text)
        if self._orgs.get(state.org.key) is not state:
            return  # configured anew meanwhile
        if partial and (failure is None or failure is result.error):
            self._retried(state, entry, run, result, started)
        elif failure is None:
            self._succeeded(state, entry, run, result, started)
        else:
            self._failed(state, entry, failure, len(result.failed), started)
        self._pending.discard((state.org.key, entry.collector.name))
        entry.due = replace(entry.due, interval=self._interval(state, entry.collector))
        if run.day != state.day and entry.collector.windows:
            # It ran across midnight, so the complete days of the new day are missing.
            entry.due = entry.due.no_later_than(self._clock.monotonic() + AFTER_MIDNIGHT)

    async def _collect(self, entry: _Entry, run: Run) -> Result:
        """Collect from the seeds' endpoint, or from the newer family once that is gone.

        While the newer family is the source, the seeds are tried again now and then, and at once
        if the newer family fails, too: then the whole API was away, and not only the seeds.
        """
        v2 = entry.collector.v2
        if v2 is None:
            return await entry.collector.collect(run)
        if not entry.runs_of_v2 or entry.runs_of_v2 % TRY_SEEDS_EVERY == 0:
            result, error = await _caught(entry.collector.collect, run)
            gone = isinstance(error, ApiError) and error.from_api and error.status in _GONE
            entry.gone = entry.gone + 1 if gone else 0
            if entry.gone < GONE_AFTER:
                entry.runs_of_v2 = 0
                return _or_raise(result, error)
        result, error = await _caught(v2, run)
        entry.runs_of_v2 = entry.runs_of_v2 + 1 if error is None else 0
        return _or_raise(result, error)

    def _make_run(
        self, state: _OrgState, entry: _Entry, queued: Collection, *, partial: bool
    ) -> Run:
        org, name = state.org.key, entry.collector.name
        items = self._snapshots.items(org, name)

        def payload_error(endpoint: Endpoint, reason: Reason, count: int) -> None:
            self._telemetry.payload_error(org, reason, count)
            log.debug("payload error", org=org, endpoint=endpoint.name, reason=reason, count=count)

        return Run(
            org=state.org,
            api=self._api,
            day=state.day,
            now=self._clock.now().timestamp(),
            interval=entry.due.interval,
            page_size=self._limits.page_size,
            history=self._history,
            queued=queued,
            items=items,
            courses=self._courses(state) if entry.collector.per_course else (),
            mentors=self._mentors(state) if entry.collector.per_mentor else (),
            is_due=self._item_filter(entry, items, partial=partial),
            payload_error=payload_error,
        )

    def _item_filter(
        self, entry: _Entry, items: Mapping[str, Item], *, partial: bool
    ) -> Callable[[str], bool]:
        """Return which items a run requests: not those that back off.

        A partial run requests only items that failed before or are new.
        """
        now = self._clock.monotonic()
        waiting = {key for key, due in entry.items.items() if due.at() > now}
        retried = {key for key in entry.items if key not in waiting}
        if partial:
            return lambda key: key in retried or (key not in items and key not in waiting)
        return lambda key: key not in waiting

    def _succeeded(
        self, state: _OrgState, entry: _Entry, run: Run, result: Result, started: float
    ) -> None:
        org, name = state.org.key, entry.collector.name
        self._note_items(state, entry, result, started)
        self._keep(state, entry, run, result)
        now = self._clock.now().timestamp()
        before = self._telemetry.outcome(org, name)
        error = self._item_error(entry, result, before.error)
        self._telemetry.succeeded(
            org,
            name,
            at=now,
            seconds=self._clock.monotonic() - started,
            items_failed=len(entry.items),
            error=error,
        )
        if before.error and not error:
            log.info("collector recovered", org=org, collector=name)
        entry.error_kind = None
        entry.absent_since = None
        if entry.collector.v2 is not None:
            self._telemetry.source(org, name, V2 if entry.runs_of_v2 else SEEDS)
        entry.due = entry.due.succeeded(started)
        if result.again:
            entry.due = replace(entry.due, attempted=False)
        self._saved.save_attempt(org, name, Attempt(now, now))
        self._lists_changed(state, entry)

    def _retried(
        self, state: _OrgState, entry: _Entry, run: Run, result: Result, started: float
    ) -> None:
        """Record a run of items that failed before or are new, between two runs of all items."""
        org, name = state.org.key, entry.collector.name
        self._note_items(state, entry, result, started)
        self._keep(state, entry, run, result)
        error = self._item_error(entry, result, self._telemetry.outcome(org, name).error)
        self._telemetry.items_failed(org, name, count=len(entry.items), error=error)

    @staticmethod
    def _item_error(entry: _Entry, result: Result, before: str) -> str:
        """Return the error to show while items fail."""
        if not entry.items:
            return ""
        return next((str(error) for error in result.failed.values()), before)

    def _note_items(self, state: _OrgState, entry: _Entry, result: Result, started: float) -> None:
        """Back off from items that failed, and forget the failures of the others."""
        setting = (
            state.org.interval
            if entry.collector.base is collectors.Base.INTERVAL
            else state.org.history_interval
        )
        for key in result.items:
            entry.items.pop(key.removesuffix("/today"), None)
        for key, error in result.failed.items():
            due = entry.items.get(key, Due(interval=setting, since=started))
            retry_at = error.retry_at if isinstance(error, RateLimitedError) else float("-inf")
            entry.items[key] = due = due.failed(started, retry_at=retry_at)
            level = log.warning if due.failures == 1 else log.debug
            level(
                "item failed",
                org=state.org.key,
                collector=entry.collector.name,
                item=key,
                error=str(error),
            )
        if result.wanted is not None:
            for key in [key for key in entry.items if not result.wanted(key)]:
                del entry.items[key]

    def _keep(self, state: _OrgState, entry: _Entry, run: Run, result: Result) -> None:
        """Replace the items that were collected, and drop those that are no longer wanted."""
        org, name = state.org.key, entry.collector.name
        items = {
            key: self._item(state, run, draft)
            for key, draft in result.items.items()
            if not (draft.of_day and run.day != state.day)
        }
        for key in result.confirmed & run.items.keys():
            staleness = state.org.staleness(state.org.history_interval) * state.stretch
            items[key] = replace(run.items[key], expires=self._clock.monotonic() + staleness)
        self._snapshots.update(org, name, items)
        self._saved.save_items(org, name, items)
        if result.wanted is not None:
            gone = self._snapshots.keep(org, name, result.wanted)
            self._saved.remove_items(org, name, gone)
        for other in result.history_of:
            self._renderer.render(org, other)

    def _item(self, state: _OrgState, run: Run, draft: NewItem) -> Item:
        staleness = state.org.staleness(draft.interval) * state.stretch
        return Item(
            samples=draft.samples.compact(),
            day=run.day,
            collected=run.now,
            expires=self._clock.monotonic() + staleness,
            of_day=draft.of_day,
            courses=draft.courses,
            mentors=draft.mentors,
        )

    def _lists_changed(self, state: _OrgState, entry: _Entry) -> None:
        """Have new courses and mentors collected soon after they were listed."""
        if not (entry.collector.lists_courses or entry.collector.lists_mentors):
            return
        for other in state.entries.values():
            collector = other.collector
            if collector.per_course:
                wanted = self._courses(state)
            elif collector.per_mentor:
                wanted = self._mentors(state)
            else:
                continue
            items = self._snapshots.items(state.org.key, collector.name)
            new = any(key not in items and key not in other.items for key in wanted)
            if (
                other.queued is None
                and not other.due.backing_off
                and (new or not other.due.attempted)
            ):
                self._timetable.set((state.org.key, collector.name), self._clock.monotonic())

    def _failed(
        self, state: _OrgState, entry: _Entry, failure: Failure, items: int, started: float
    ) -> None:
        org, name = state.org.key, entry.collector.name
        asked = not isinstance(failure, ApiError) or failure.sent
        retry_at = failure.retry_at if isinstance(failure, RateLimitedError) else float("-inf")
        before = self._telemetry.outcome(org, name)
        now = self._clock.now().timestamp()
        entry.error_kind = failure.kind if isinstance(failure, ApiError) else None
        entry.items.clear()
        if asked:
            entry.due = entry.due.failed(started, retry_at=retry_at)
        else:
            entry.due = replace(entry.due, since=started, attempted=True, retry_at=retry_at)
        if self._is_absent(entry, failure, before.last_success):
            self._note_absent(state, entry, failure, now)
        elif asked:
            seconds = self._clock.monotonic() - started
            self._telemetry.failed(org, name, str(failure), at=now, seconds=seconds, items=items)
        else:
            self._telemetry.not_sent(org, name, str(failure))
        if entry.absent_since is None:
            news = not before.error
            level = log.warning if news else log.debug
            level("collector failed", org=org, collector=name, error=str(failure))
        self._saved.save_attempt(org, name, Attempt(now, before.last_success))
        self._try_others(state)

    def _try_others(self, state: _OrgState) -> None:
        """If everything that is polled every interval fails, try the rest at once.

        So an org is reported as down soon, although some collectors run rarely.
        """
        outcomes = self._telemetry.outcomes(state.org.key)
        own = [e for e in state.entries.values() if e.collector.shows_up and e.absent_since is None]
        often = [e for e in own if e.collector.base is collectors.Base.INTERVAL]
        if any(outcomes[e.collector.name].success for e in often):
            return
        now = self._clock.monotonic()
        for entry in own:
            if outcomes[entry.collector.name].success and entry.queued is None:
                entry.due = replace(entry.due, attempted=False, since=now)
                self._plan(state, entry)

    @staticmethod
    def _is_absent(entry: _Entry, failure: Failure, last_success: float) -> bool:
        """Return whether a deployment does not offer an extra, or the key may not read it."""
        extra = entry.collector.group != collectors.CORE or entry.collector.lists_mentors
        return extra and isinstance(failure, RejectedError) and not last_success

    def _note_absent(self, state: _OrgState, entry: _Entry, failure: Failure, now: float) -> None:
        org, group = state.org.key, entry.collector.group
        self._telemetry.absent(org, entry.collector.name, str(failure), at=now)
        entry.absent_since = entry.absent_since or now
        if group not in state.absent_groups:
            state.absent_groups.add(group)
            log.info(
                "extra is not offered, or the key may not read all of it",
                org=org,
                extra=group,
                first=entry.collector.name,
                error=str(failure),
            )

    # Overload.

    def _share_demand(self) -> None:
        """Work out how far intervals stretch because demand exceeds the limits."""
        demands: dict[str, dict[str, float]] = {}
        for state in self._orgs.values():
            of_host = demands.setdefault(state.org.base_url, {})
            courses, mentors = len(self._courses(state)), len(self._mentors(state))
            of_host[state.org.key] = (
                sum(
                    entry.collector.requests_per_hour(state.org, courses=courses, mentors=mentors)
                    for entry in state.entries.values()
                    if entry.absent_since is None
                )
                / 3600
            )
        ratio = 1.0
        for stretch in self._hosts.share(demands):
            ratio = max(ratio, stretch.k)
            for key, factor in stretch.orgs.items():
                self._orgs[key].stretch = factor
        self._telemetry.stretched(ratio)
        if (ratio > 1) != self._stretched:
            self._stretched = ratio > 1
            if self._stretched:
                log.warning(
                    "demand exceeds the API limits, intervals are stretched",
                    ratio=round(ratio, 2),
                    remedy="raise api.rate_limit, lengthen interval, or use shards",
                )
            else:
                log.info("demand is within the API limits again")

    def _job_failed(self, event: object) -> None:
        """Record a check of what is due that failed; the next one follows."""
        self._telemetry.missed()
        log.error("scheduler job failed", job=getattr(event, "job_id", ""))


async def _caught(
    collect: Callable[[Run], Awaitable[Result]], run: Run
) -> tuple[Result | None, Failure | None]:
    """Return the result, or the error that it or the whole run ended with."""
    try:
        result = await collect(run)
    except (ApiError, PayloadError) as error:
        return None, error
    return result, result.error


def _or_raise(result: Result | None, error: Failure | None) -> Result:
    if result is None:
        assert error is not None
        raise error
    return result


def _place(failure: BaseException) -> str:
    """Return where an exception was raised, without its text."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "an unknown place"
    code = trace.tb_frame.f_code
    return f"{code.co_qualname} (line {trace.tb_lineno})"
