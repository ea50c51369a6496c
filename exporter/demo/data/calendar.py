"""Weeks, terms, breaks and the hours of a day, as pure functions.

The platform counts days in UTC, while people live in the time zone of their org: a UTC day is
made of the hours of two local days. Days are ordinals (`date.toordinal()`).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import lru_cache
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

_WEEK = (1.0, 1.06, 1.04, 1.0, 0.86, 0.42, 0.5)
"""Share of a Monday, Monday first."""


class Season(Enum):
    """What follows the year: some days of the year and their levels, linear in between."""

    ACTIVITY = (
        (1, 5, 32, 130, 175, 220, 252, 316, 360, 366),
        (0.8, 0.8, 1.0, 1.05, 0.72, 0.72, 1.0, 1.04, 0.8, 0.8),
    )
    ENROLLMENT = (
        (1, 20, 40, 70, 140, 200, 240, 262, 300, 366),
        (0.85, 1.25, 1.25, 0.9, 0.8, 0.8, 1.3, 1.3, 0.9, 0.85),
    )

    def level(self, day_of_year: int) -> float:
        """Return the level of a day."""
        days, levels = self.value
        right = min(bisect_right(days, day_of_year), len(days) - 1)
        (x0, x1), (y0, y1) = days[right - 1 : right + 1], levels[right - 1 : right + 1]
        return y0 + (y1 - y0) * (day_of_year - x0) / (x1 - x0)


_BREAKS = (((1, 1), (1, 3)), ((4, 3), (4, 9)), ((12, 21), (12, 31)))
"""First and last day of each break, as month and day."""

_IN_A_BREAK = 0.5
_GROWTH_A_YEAR = 1.06
_GROWTH_FROM = date(2026, 1, 1).toordinal()

_HOURS = (1, 0.6, 0.3, 0.2, 0.2, 0.4, 1, 2, 4, 6, 7, 7, 6, 6, 7, 7, 6.5, 6, 6, 7, 8, 7, 4.5, 2.5)
_NOON = time(12, tzinfo=UTC)


def breaks(first: int, last: int) -> Iterator[tuple[date, date]]:
    """Yield the first and the last day of every break of the years from `first` to `last`."""
    for year in range(first, last + 1):
        for start, end in _BREAKS:
            yield date(year, *start), date(year, *end)


def activity(zone: ZoneInfo, day: int, season: Season = Season.ACTIVITY) -> float:
    """Return how busy a UTC day is; a Monday in a term of early 2026 is 1."""
    return _hours(zone, day, season)[-1]


def elapsed(zone: ZoneInfo, day: int, hours: float) -> float:
    """Return the share of a UTC day's activity seen `hours` (0 to 24) after its midnight."""
    until = _hours(zone, day, Season.ACTIVITY)
    hour = min(int(hours), 23)
    seen = until[hour] + (until[hour + 1] - until[hour]) * (hours - hour)
    return min(seen / until[-1], 1.0)


def split(count: int, weights: Sequence[float]) -> list[int]:
    """Return `count` divided in proportion to `weights`; the parts add up to it."""
    whole = sum(weights)
    until = [int(count * part / whole + 0.5) for part in accumulate(weights, initial=0.0)]
    return [after - before for before, after in pairwise(until)]


# A year of every zone in use: a request asks for dozens of days, of the same zone as the next one.
@lru_cache(maxsize=16384)
def _hours(zone: ZoneInfo, day: int, season: Season) -> tuple[float, ...]:
    """Return the activity of a UTC day up to each full hour, 0 to 24."""
    noon = datetime.combine(date.fromordinal(day), _NOON)
    offset = noon.astimezone(zone).utcoffset()
    ahead = round(offset.total_seconds() / 3600) if offset else 0
    busy = {local: _local(local, season) for local in (day - 1, day, day + 1)}
    whole = sum(_HOURS)
    shares = (
        _HOURS[hour % 24] * busy[day + hour // 24] / whole for hour in range(ahead, ahead + 24)
    )
    return tuple(accumulate(shares, initial=0.0))


def _local(day: int, season: Season) -> float:
    """Return how busy a local day is."""
    local = date.fromordinal(day)
    growth: float = _GROWTH_A_YEAR ** ((day - _GROWTH_FROM) / 365.25)
    place = (local.month, local.day)
    calm = _IN_A_BREAK if any(start <= place <= end for start, end in _BREAKS) else 1.0
    return _WEEK[local.weekday()] * growth * calm * season.level(local.timetuple().tm_yday)
