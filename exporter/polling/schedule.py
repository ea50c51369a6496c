"""What is due, what waits for a slot, and what runs.

Guarantee: every collector of every org is in exactly one place: in the timetable until it is due,
then in the queue of its host, then running, then in the timetable again. Only a collector of
single courses or mentors leaves it without a run, until their list is there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from typing import Any

from exporter.polling.context import Context
from exporter.polling.state import CollectorState, OrgState
from exporter.scheduler import Collection, HostQueue, Timetable
from exporter.settings import Org

PER_TICK = 2000
"""Collections queued at a time, so that a hundred thousand orgs do not block the event loop."""

PUNCTUAL = 1.0
"""Seconds that a collection may start late before it counts as an interval late."""

Run = Callable[[OrgState, CollectorState, Collection], Coroutine[Any, Any, None]]
"""Runs a collection and records what it returned. Must not raise."""


class Schedule:
    """The orgs, and the collections of each."""

    def __init__(self, context: Context, *, run: Run) -> None:
        self._context = context
        self._run = run
        self._orgs: dict[str, OrgState] = {}
        self._timetable = Timetable()

    @property
    def orgs(self) -> Iterable[OrgState]:
        """All orgs. The view follows changes."""
        return self._orgs.values()

    def get(self, org: str) -> OrgState | None:
        """Return the state of an org, if it is configured."""
        return self._orgs.get(org)

    def add(self, state: OrgState) -> None:
        """Schedule all collectors of an org, in place of those it had."""
        if (before := self._orgs.get(state.key)) is not None:
            self.remove(before)
        self._orgs[state.key] = state
        for entry in state.collectors.values():
            self.plan(state, entry)

    def remove(self, state: OrgState) -> None:
        """Cancel the collections of an org, and schedule none of it any more."""
        self.cancel(state)
        self._orgs.pop(state.key, None)
        for name in state.collectors:
            self._timetable.remove((state.key, name))

    def cancel(self, state: OrgState) -> list["asyncio.Task[None]"]:
        """Cancel the collections of an org that wait or run; return the tasks of the latter."""
        tasks = []
        for entry in state.collectors.values():
            if entry.queued is not None:
                self._queue(state.org).discard(entry.queued)
            if entry.task is not None:
                entry.task.cancel()
                tasks.append(entry.task)
            entry.queued = entry.task = None
        return tasks

    def plan(self, state: OrgState, entry: CollectorState, *, at: float | None = None) -> None:
        """Set when a collector is due next, unless it waits for a slot or runs."""
        if entry.queued is None:
            self._timetable.set((state.key, entry.name), entry.due_at() if at is None else at)

    def next_run(self, org: str, collector: str) -> datetime | None:
        """Return when a collector is due next, or None if it waits for a slot or runs."""
        state = self._orgs.get(org)
        entry = state.collectors.get(collector) if state else None
        if entry is None or entry.queued is not None:
            return None
        wait = entry.due_at() - self._context.clock.monotonic()
        return self._context.clock.now() + timedelta(seconds=max(wait, 0.0))

    def queue_due(self) -> None:
        """Queue what is due by now."""
        now = self._context.clock.monotonic()
        for org, name in self._timetable.pop_due(now, at_most=PER_TICK):
            state = self._orgs[org]
            entry = state.collectors[name]
            if not self._waits_for_list(state, entry):
                entry.queued = Collection(
                    org=org,
                    name=name,
                    due_at=min(entry.due_at(), now),
                    interval=entry.due.interval,
                    first=entry.first,
                )
                self._queue(state.org).add(entry.queued)

    def start(self, queued: Collection) -> None:
        """Run a collection that got its first slot. Called by the queue of its host."""
        state = self._orgs.get(queued.org)
        entry = state.collectors.get(queued.name) if state else None
        if state is None or entry is None or entry.queued is not queued:
            raise LookupError("the collection is no longer wanted")
        if self._context.clock.monotonic() - queued.due_at > queued.interval + PUNCTUAL:
            self._context.telemetry.process.missed()
        queue = self._queue(state.org)
        entry.task = asyncio.create_task(self._run(state, entry, queued))

        def ended(_: "asyncio.Task[None]") -> None:
            queue.finish(queued)
            if entry.queued is queued:
                entry.queued = entry.task = None
                self.plan(state, entry)

        entry.task.add_done_callback(ended)

    def _queue(self, org: Org) -> HostQueue:
        return self._context.hosts.site(org.base_url).host.queue

    def _waits_for_list(self, state: OrgState, entry: CollectorState) -> bool:
        """Return whether a collector needs a list of courses or mentors that is not there yet."""
        courses = entry.collector.per_course > 0
        mentors = entry.collector.per_mentor > 0 and state.org.discovers_mentors
        listing = [
            each.name
            for each in state.collectors.values()
            if (courses and each.collector.lists_courses)
            or (mentors and each.collector.lists_mentors)
        ]
        return bool(listing) and not any(
            self._context.snapshots.items(state.key, name) for name in listing
        )
