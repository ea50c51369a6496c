"""Applies a configuration, at the start and at every reload.

Guarantee: an org whose settings did not change is not touched. Of one that changed, every value
stays that is still valid: another address, user or key invalidates all of them, other settings
that decide what a day counts invalidate its history. Backoff and failing items stay, too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from exporter import collectors
from exporter.collectors import Collector
from exporter.polling.context import Context
from exporter.polling.days import Days
from exporter.polling.generation import Generation
from exporter.polling.schedule import Schedule
from exporter.polling.state import CollectorState, OrgState
from exporter.saved import Attempt, Attempts, identity_of, scope_of
from exporter.scheduler import Due, spread
from exporter.settings import Org


class Configuration:
    """The configured orgs."""

    def __init__(self, context: Context, schedule: Schedule, days: Days) -> None:
        self._context = context
        self._schedule = schedule
        self._days = days

    def apply(self, orgs: Iterable[Org], attempts: Attempts) -> Iterator[None]:
        """Poll these orgs and no others; yield between them.

        `attempts` are those of an earlier process, whose data was restored.
        """
        wanted = {org.key: org for org in orgs}
        for state in list(self._schedule.orgs):
            if state.key not in wanted:
                self._remove(state)
                yield
        for key, org in wanted.items():
            known = self._schedule.get(key)
            identity = identity_of(org)
            if known is None:
                self._configure(OrgState(org, identity, self._days.today(org.zone)), attempts)
            elif known.org != org or identity not in {"", known.identity}:
                # A key that cannot be read for a while is no other key.
                self._change(known, org, identity or known.identity)
            yield

    def _remove(self, state: OrgState) -> None:
        self._schedule.remove(state)
        self._context.renderer.forget(state.key)
        self._context.telemetry.forget(state.key)
        self._context.saved.forget(state.key)
        self._context.snapshots.drop(state.key)
        self._context.history.forget(state.key)

    def _change(self, known: OrgState, org: Org, identity: str) -> None:
        """Apply other settings, or another key, to an org."""
        state = replace(known, org=org, identity=identity, day=self._days.today(org.zone))
        rescoped = scope_of(known.org) != scope_of(org)
        same_place = (known.org.base_url, known.org.user_id) == (org.base_url, org.user_id)
        if identity != known.identity or not same_place:
            self._context.snapshots.drop(org.key)
            self._context.history.forget(org.key)
            state.collectors, state.absent_groups = {}, set()
        elif rescoped:
            self._context.history.forget(org.key)
            now = self._context.clock.monotonic()
            state.collectors = {
                name: replace(entry, due=entry.due.reset(now))
                for name, entry in known.collectors.items()
            }
        for name in known.collectors.keys() - {c.name for c in collectors.of(org)}:
            self._context.snapshots.drop(org.key, name)
        self._configure(state, {})
        if rescoped:
            self._context.saved.save(org.key, self._context.snapshots, self._context.history)

    def _configure(self, state: OrgState, attempts: Attempts) -> None:
        """Schedule and show an org; its collectors go on where they were."""
        org, before = state.org, state.collectors
        self._context.saved.register(org, state.identity)
        self._context.snapshots.end_day(org.key, state.day)
        own = collectors.of(org)
        self._context.telemetry.register(
            org.key,
            org.constants(),
            [(c.name, c.endpoint) for c in own],
            showing_up=[c.name for c in own if c.shows_up],
        )
        state.collectors = {
            c.name: self._carried(state, c, before[c.name])
            if c.name in before
            else self._new(state, c, attempts.get((org.key, c.name)))
            for c in own
        }
        self._schedule.add(state)
        self._context.renderer.configure(org)

    def _carried(
        self, state: OrgState, collector: Collector, before: CollectorState
    ) -> CollectorState:
        """Return what is known of a collector, under the settings in use."""
        due = state.timed(before.due, collector, self._context.snapshots)
        return replace(before, collector=collector, due=due, queued=None, task=None)

    def _new(
        self, state: OrgState, collector: Collector, attempt: Attempt | None
    ) -> CollectorState:
        """Return a collector that is due at once, or an interval after a success that is saved."""
        now, generation = self._context.clock.monotonic(), Generation()
        due = Due(
            interval=state.interval(collector, self._context.snapshots),
            retry=state.retry(collector),
            since=now,
            spread=spread(state.key, collector.name),
        )
        if attempt is not None and attempt.last_success:
            saved = self._context.snapshots.items(state.key, collector.name)
            if saved and attempt.last_attempt == attempt.last_success:
                ago = self._context.clock.now().timestamp() - attempt.last_attempt
                due = due.succeeded(now - max(ago, 0.0))
                if collector.windows and any(item.day != state.day for item in saved.values()):
                    due = self._days.soon(state, due)
            generation = Generation.resumed(v2=attempt.v2)
            if collector.v2:
                self._context.telemetry.source(state.key, collector.name, generation.name)
            self._context.telemetry.restored(
                state.key,
                collector.name,
                last_attempt=attempt.last_attempt,
                last_success=attempt.last_success,
            )
        first = collector.first and not due.attempted
        return CollectorState(collector, due, first=first, generation=generation)
