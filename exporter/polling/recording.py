"""Records what a collection returned: values, the outcome, and when the collector is due again.

Guarantee: a failure replaces no value. Of a collector with several items, those that were
collected replace their values. The values of those that failed stay, and each backs off on its own.
The collector as a whole fails, and backs off, only if all its items do.
"""

from dataclasses import replace

import structlog

from exporter import collectors
from exporter.api.errors import ApiError, Kind, RateLimitedError, RejectedError
from exporter.collectors.run import ItemError
from exporter.polling.collecting import Collected
from exporter.polling.context import Context
from exporter.polling.days import AFTER_MIDNIGHT
from exporter.polling.schedule import Schedule
from exporter.polling.state import CollectorState, OrgState
from exporter.saved import Attempt
from exporter.scheduler import Due
from exporter.snapshots import Item

GONE_RETRY = 30.0
"""Seconds until a new org's endpoint that seems to be gone is requested again."""

_KEY_PROBLEMS = frozenset({Kind.UNAUTHORIZED, Kind.FORBIDDEN, Kind.NO_KEY, Kind.BAD_KEY})

log = structlog.get_logger(__name__)


class Recorder:
    """Records the end of collections."""

    def __init__(self, context: Context, schedule: Schedule) -> None:
        self._context = context
        self._schedule = schedule

    def record(self, state: OrgState, entry: CollectorState, collected: Collected) -> None:
        """Record what a run returned."""
        result, error = collected.result, collected.error
        if error is result.error:
            self._record_items(state, entry, collected)
        if error is None:
            # A run in which every item backs off says nothing about the collector.
            if result.items or not entry.failing:
                self._succeeded(state, entry, collected)
            if not collected.early:
                entry.due = entry.due.succeeded(collected.started)
        elif collected.early and error is result.error and self._others_succeed(state, entry):
            failing = len(entry.failing)
            self._context.telemetry.items_failed(
                state.key, entry.name, count=failing, error=str(error)
            )
        else:
            self._failed(state, entry, collected, error)
        entry.first = False
        entry.due = state.timed(entry.due, entry.collector, self._context.snapshots)
        if result.again and error is None:
            entry.due = replace(entry.due, attempted=False)
        if collected.run.day != state.day and entry.collector.windows:
            # It ran across midnight, so the complete days of the new day are missing.
            entry.due = entry.due.no_later_than(self._context.clock.monotonic() + AFTER_MIDNIGHT)

    def _succeeded(self, state: OrgState, entry: CollectorState, collected: Collected) -> None:
        org, name, telemetry = state.key, entry.name, self._context.telemetry
        before, failing = telemetry.outcome(org, name), len(entry.failing)
        error = next((str(error) for error in collected.result.failed.values()), before.error)
        error = error if failing else ""
        now = self._context.clock.now().timestamp()
        seconds = self._context.clock.monotonic() - collected.started
        telemetry.succeeded(org, name, at=now, seconds=seconds, items_failed=failing, error=error)
        if before.error and not error:
            log.info("collector recovered", org=org, collector=name)
        if entry.collector.v2 is not None:
            telemetry.source(org, name, entry.generation.name)
        if not collected.early:
            attempt = Attempt(now, now, entry.generation.v2)
            self._context.saved.save_attempt(org, name, attempt)
        entry.key_rejected = entry.absent = False
        if entry.collector.lists_courses or entry.collector.lists_mentors:
            self._collect_new_parts(state)

    def _others_succeed(self, state: OrgState, entry: CollectorState) -> bool:
        """Return whether the collector has items that do not fail."""
        items = self._context.snapshots.items(state.key, entry.name)
        return any(_item_key(key) not in entry.failing for key in items)

    def _failed(
        self, state: OrgState, entry: CollectorState, collected: Collected, error: ItemError
    ) -> None:
        org, name, telemetry = state.key, entry.name, self._context.telemetry
        started = collected.started
        sent = _was_sent(error)
        entry.key_rejected = isinstance(error, ApiError) and error.kind in _KEY_PROBLEMS
        entry.failing.clear()
        entry.due = _after(error, entry.due, started)
        before = telemetry.outcome(org, name)
        if entry.generation.may_be_gone and not before.last_success:
            # There are no values yet that the newer family could replace too early.
            entry.due = replace(entry.due, latest=started + GONE_RETRY)
        now = self._context.clock.now().timestamp()
        if _is_absent(entry, error) and not before.last_success:
            self._record_absent(state, entry, error, at=now)
        elif sent:
            seconds = self._context.clock.monotonic() - started
            failed = len(collected.result.failed)
            telemetry.failed(org, name, str(error), at=now, seconds=seconds, items=failed)
        else:
            telemetry.not_sent(org, name, str(error))
        if not entry.absent:
            level = log.debug if before.error else log.warning
            level("collector failed", org=org, collector=name, error=str(error))
        self._context.saved.save_attempt(org, name, Attempt(now, before.last_success))
        self._try_the_rest(state)

    # Items.

    def _record_items(self, state: OrgState, entry: CollectorState, collected: Collected) -> None:
        """Replace the items that were collected, and drop those that are no longer wanted."""
        run, result, now = collected.run, collected.result, self._context.clock.monotonic()
        self._back_off(state, entry, collected)
        items = {
            key: Item(
                samples=new.samples.compact(),
                day=run.day,
                collected=now,
                interval=new.interval,
                of_day=new.of_day,
                courses=new.courses,
                mentors=new.mentors,
            )
            for key, new in result.items.items()
            if not (new.of_day and run.day != state.day)
        }
        for key in result.confirmed & run.items.keys():
            items[key] = replace(run.items[key], collected=now)
        self._context.snapshots.update(state.key, entry.name, items)
        if result.wanted is not None:
            self._context.snapshots.keep(state.key, entry.name, result.wanted)
        for other in result.history_of:
            self._context.renderer.render(state.key, other)

    def _back_off(self, state: OrgState, entry: CollectorState, collected: Collected) -> None:
        """Back off from items that failed, and forget the failures of the others."""
        result, started = collected.result, collected.started
        for key in result.items:
            entry.failing.pop(_item_key(key), None)
        for key, error in result.failed.items():
            retry = state.retry(entry.collector)
            before = entry.failing.get(key) or Due(interval=retry, retry=retry, since=started)
            due = entry.failing[key] = _after(error, before, started)
            level = log.warning if due.failures == 1 else log.debug
            level("item failed", org=state.key, collector=entry.name, item=key, error=str(error))
        if result.wanted is not None:
            for key in [key for key in entry.failing if not result.wanted(key)]:
                del entry.failing[key]

    # Other collectors of the org.

    def _collect_new_parts(self, state: OrgState) -> None:
        """Have new courses and mentors collected soon after they were listed."""
        now, snapshots = self._context.clock.monotonic(), self._context.snapshots
        for other in state.collectors.values():
            if not (other.collector.per_course or other.collector.per_mentor):
                continue
            # The more parts, the longer the interval, from which the order of the queue follows.
            other.due = state.timed(other.due, other.collector, snapshots)
            known = snapshots.items(state.key, other.name).keys() | other.failing.keys()
            missing = set(state.parts(other.collector, snapshots)) - known
            if (missing or not other.due.attempted) and not other.due.backing_off:
                self._schedule.plan(state, other, at=now)

    def _try_the_rest(self, state: OrgState) -> None:
        """If everything that is polled every interval fails, try the rest at once.

        So an org is reported as down soon, although some collectors run rarely.
        """
        outcomes = self._context.telemetry.outcomes(state.key)
        own = [e for e in state.collectors.values() if e.collector.shows_up and not e.absent]
        often = [e for e in own if e.collector.base is collectors.Base.INTERVAL]
        if any(outcomes[entry.name].success for entry in often):
            return
        now = self._context.clock.monotonic()
        for entry in own:
            if outcomes[entry.name].success and entry.queued is None:
                entry.due = replace(entry.due, attempted=False, since=now)
                self._schedule.plan(state, entry)

    def _record_absent(
        self, state: OrgState, entry: CollectorState, error: ItemError, *, at: float
    ) -> None:
        """Record that the deployment does not offer an extra, and log the first of its group."""
        self._context.telemetry.absent(state.key, entry.name, str(error), at=at)
        entry.absent = True
        group = entry.collector.group
        if group not in state.absent_groups:
            state.absent_groups.add(group)
            log.info(
                "extra is not offered, or the key may not read all of it",
                org=state.key,
                extra=group,
                first=entry.name,
                error=str(error),
            )


def _after(error: ItemError, due: Due, started: float) -> Due:
    """Return when it is due next after an attempt that ended with `error`."""
    retry_at = error.retry_at if isinstance(error, RateLimitedError) else float("-inf")
    if _was_sent(error):
        return due.failed(started, retry_at=retry_at)
    return due.postponed(started, retry_at=retry_at)


def _was_sent(error: ItemError) -> bool:
    return not isinstance(error, ApiError) or error.sent


def _item_key(key: str) -> str:
    """Return the key under which an item fails: today's values are requested with the others."""
    return key.removesuffix("/today")


def _is_absent(entry: CollectorState, error: ItemError) -> bool:
    """Return whether a deployment does not offer an extra, or the key may not read it."""
    optional = entry.collector.group != collectors.CORE or entry.collector.lists_mentors
    return optional and isinstance(error, RejectedError)
