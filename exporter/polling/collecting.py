"""Runs one collection.

Guarantee: a run requests the items that are due and no others. Those that failed earlier back off
on their own. Before the collector itself is due, only items that failed or are new are requested.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from exporter.api.endpoints import Endpoint
from exporter.api.payloads import Reason
from exporter.collectors.run import ItemError, Result, Run
from exporter.polling.context import Context
from exporter.polling.state import CollectorState, OrgState
from exporter.scheduler import Collection
from exporter.snapshots import Items

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a run returned.

    `error` is that of the run as a whole or, if all of them failed, that of an item. An `early`
    run requested only items that failed before or are new.
    """

    run: Run
    result: Result
    error: ItemError | None
    early: bool

    @property
    def started(self) -> float:
        """When the run began, in monotonic seconds."""
        return self.run.now


class Collecting:
    """Makes runs and waits for them. `page_size` is that of requests to come."""

    def __init__(self, context: Context, *, page_size: int) -> None:
        self._context = context
        self.page_size = page_size

    async def collect(
        self, state: OrgState, entry: CollectorState, queued: Collection, *, every_item: bool
    ) -> Collected:
        """Run a collector. With `every_item` nothing waits for its time."""
        now = self._context.clock.monotonic()
        early = not every_item and entry.due.attempted and entry.due.at() > now
        items = self._context.snapshots.items(state.key, entry.name)
        is_due = (lambda _: True) if every_item else _due_items(entry, items, now=now, early=early)
        run = self._make_run(state, entry, queued, is_due=is_due, now=now)
        result, error = await entry.generation.collect(entry.collector, run, whole=not early)
        return Collected(run=run, result=result, error=error, early=early)

    def _make_run(
        self,
        state: OrgState,
        entry: CollectorState,
        queued: Collection,
        *,
        is_due: Callable[[str], bool],
        now: float,
    ) -> Run:
        def payload_error(endpoint: Endpoint, reason: Reason, count: int) -> None:
            self._context.telemetry.payload_error(state.key, reason, count)
            log.debug(
                "payload error", org=state.key, endpoint=endpoint.name, reason=reason, count=count
            )

        return Run(
            org=state.org,
            api=self._context.api,
            day=state.day,
            now=now,
            interval=entry.due.interval,
            page_size=self.page_size,
            history=self._context.history,
            queued=queued,
            items=self._context.snapshots.items(state.key, entry.name),
            courses=state.courses(self._context.snapshots) if entry.collector.per_course else (),
            mentors=state.mentors(self._context.snapshots) if entry.collector.per_mentor else (),
            is_due=is_due,
            payload_error=payload_error,
        )


def _due_items(
    entry: CollectorState, items: Items, *, now: float, early: bool
) -> Callable[[str], bool]:
    """Return which items are due at `now`."""
    waiting = {key for key, due in entry.failing.items() if due.at() > now}
    retried = entry.failing.keys() - waiting
    if early:
        return lambda key: key in retried or (key not in items and key not in waiting)
    return lambda key: key not in waiting
