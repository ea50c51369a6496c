"""API keys that change while the exporter runs.

Guarantee: a new key in a file is noticed within 10 seconds if the old one was rejected or could
not be read, and otherwise within 5 minutes. Everything that failed because of the old key is then
due at once. The values stay.
"""

import structlog

from exporter.polling.context import Context
from exporter.polling.schedule import Schedule
from exporter.polling.state import OrgState
from exporter.saved import identity_of

ALL_KEYS_EVERY = 30
"""Checks of keys that fail between two checks of every other key."""

log = structlog.get_logger(__name__)


class Keys:
    """Notices changed keys."""

    def __init__(self, context: Context, schedule: Schedule) -> None:
        self._context = context
        self._schedule = schedule
        self._checks = 0

    def check(self) -> None:
        """Read the keys that failed, and some of the others. Called every 10 seconds."""
        self._checks += 1
        for number, state in enumerate(self._schedule.orgs, self._checks):
            failing = any(entry.key_rejected for entry in state.collectors.values())
            if failing or number % ALL_KEYS_EVERY == 0:
                identity = identity_of(state.org)
                if identity and identity != state.identity:
                    self._changed(state, identity)

    def _changed(self, state: OrgState, identity: str) -> None:
        """Try everything that failed because of the old key with the new one."""
        log.info("API key changed, backoff is reset", org=state.key)
        state.identity = identity
        self._context.saved.register(state.org, identity)
        self._context.saved.save(state.key, self._context.snapshots, self._context.history)
        self._context.hosts.site(state.org.base_url).host.queue.forget(state.key)
        for entry in state.collectors.values():
            if entry.key_rejected:
                entry.due = entry.due.reset(self._context.clock.monotonic())
                self._schedule.plan(state, entry)
