"""What happens when a day ends in the time zone of an org.

Guarantee: values of a day are dropped within one tick of its end. Complete days are due between 5
and 65 seconds after it, or after the start if that is later; the orgs are spread over that time. A
collector that backs off is left out.
"""

from datetime import date
from zoneinfo import ZoneInfo

from exporter.polling.context import Context
from exporter.polling.schedule import Schedule
from exporter.polling.state import OrgState
from exporter.scheduler import SPREAD, Due
from exporter.windows import local_date

AFTER_MIDNIGHT = 5.0
"""Seconds after midnight at which complete days are due: the platform's clock may be behind."""

MIDNIGHT_SPREAD = 60.0
"""Seconds over which the collectors of all orgs are spread after midnight, at most."""


class Days:
    """The current day in each time zone that an org uses."""

    def __init__(self, context: Context, schedule: Schedule) -> None:
        self._context = context
        self._schedule = schedule
        self._days: dict[ZoneInfo, date] = {}

    def today(self, zone: ZoneInfo) -> date:
        """Return the current day of a zone, which is followed from now on."""
        return self._days.setdefault(zone, local_date(self._context.clock.now(), zone))

    def follow(self) -> None:
        """Begin a new day for the orgs in whose zones the last one has ended."""
        now = self._context.clock.now()
        days = {zone: local_date(now, zone) for zone in self._days}
        if days == self._days:
            return
        self._days = days
        self._context.history.drop_after(max(days.values()))
        for state in self._schedule.orgs:
            if state.day != (today := days[state.org.zone]):
                self._begin(state, today)

    def _begin(self, state: OrgState, today: date) -> None:
        state.day = today
        self._context.snapshots.end_day(state.key, today)
        for entry in state.collectors.values():
            if entry.collector.windows:
                entry.due = self.soon(state, entry.due)
                self._schedule.plan(state, entry)

    def soon(self, state: OrgState, due: Due) -> Due:
        """Return when a collector is due whose windows end on an earlier day."""
        most = min(MIDNIGHT_SPREAD, state.org.interval / 4)
        at = self._context.clock.monotonic() + AFTER_MIDNIGHT + due.spread / SPREAD * most
        return due.no_later_than(at)
