"""When a collector is due: every so often, and soon after each midnight of its org."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger

from exporter.windows import next_midnight


class Rounds(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires every `every`, and soon after each midnight of the org.

    `missed` is told how many moments had passed already when the run before it began. However
    many they are, the last of them alone is made up for.
    """

    def __init__(
        self,
        *,
        first: datetime,
        every: timedelta,
        zone: ZoneInfo,
        after_midnight: timedelta,
        missed: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._first = first
        self._every = every
        self._zone = zone
        self._offset = after_midnight
        self._missed = missed

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """Return the moment after `previous`, or where that has passed the last before `now`."""
        if previous is None:
            return self._first
        midnight = next_midnight(previous - self._offset, self._zone) + self._offset
        coming = min(previous + self._every, midnight)
        if coming <= now:
            # One by one, a clock that was set right after years would hold up everything.
            passed = (now - coming) // self._every
            self._missed(passed + 1)
            coming += passed * self._every
        return coming
