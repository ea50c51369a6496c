"""Days and windows: pure functions of a date and a time zone.

A window is a run of complete days that ends yesterday, so a Tuesday morning never looks like
a drop.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

TODAY = "today"
WINDOWS: Mapping[str, int] = {"1d": 1, "7d": 7, "28d": 28}
"""Length in days of each window of complete days, by the name it has in metrics."""

EXPECTED = ("1d", "7d")
"""The windows that have an expected range."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A run of calendar days, both ends included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        day = self.first
        while day <= self.last:
            yield day
            day += _DAY

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """Return the calendar date that `moment` (aware) falls on in `zone`."""
    return moment.astimezone(zone).date()


def next_midnight_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) of the calendar day after `day` in `zone`.

    If the clocks skip midnight, that is the moment they jump; if they repeat it, the first of
    the two.
    """
    tomorrow = day + _DAY
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone).astimezone(UTC)


@lru_cache(maxsize=64)  # all orgs use those of two or three days
def window(length: int, today: date) -> Span:
    """Return the `length` complete days that end the day before `today`."""
    return Span(today - timedelta(days=length), today - _DAY)
