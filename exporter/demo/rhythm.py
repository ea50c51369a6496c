"""The rhythm of a university: weeks, terms and the hours of a day, as pure functions.

Days are proleptic ordinals (`date.toordinal()`), since most of the work here is arithmetic
on ranges of them. No week reads less than two thirds of what the weeks before it read, so a
drop that was not asked for never looks like one.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from itertools import accumulate, pairwise

_WEEK = (1.0, 1.06, 1.04, 1.0, 0.86, 0.42, 0.5)
"""Share of a Monday, Monday first."""

_Curve = tuple[tuple[int, float], ...]
"""A figure by day of the year, linear in between."""

_ACTIVITY: _Curve = (
    (1, 0.72),
    (5, 0.72),
    (32, 1.0),
    (74, 1.0),
    (81, 0.88),
    (95, 1.0),
    (130, 1.05),
    (175, 0.72),
    (220, 0.72),
    (252, 1.0),
    (316, 1.04),
    (360, 0.72),
    (366, 0.72),
)
_ENROLLING: _Curve = (
    (1, 0.85),
    (20, 1.25),
    (40, 1.25),
    (70, 0.9),
    (140, 0.8),
    (200, 0.8),
    (240, 1.3),
    (262, 1.3),
    (300, 0.9),
    (366, 0.85),
)
_GROWTH_A_YEAR = 1.06
_GROWTH_FROM = date(2026, 1, 1).toordinal()

_HOURS = (1, 0.6, 0.3, 0.2, 0.2, 0.4, 1, 2, 4, 6, 7, 7, 6, 6, 7, 7, 6.5, 6, 6, 7, 8, 7, 4.5, 2.5)
_UNTIL = tuple(share / sum(_HOURS) for share in accumulate(_HOURS, initial=0.0))


@lru_cache(maxsize=16384)
def activity(ordinal: int) -> float:
    """Return how busy a day is; a term's Monday of early 2026 is 1."""
    return _factor(ordinal, _ACTIVITY)


@lru_cache(maxsize=16384)
def enrolling(ordinal: int) -> float:
    """Return how many people enrol on a day; it peaks where terms begin."""
    return _factor(ordinal, _ENROLLING)


def elapsed(hours: float) -> float:
    """Return the share of a day's activity seen `hours` (0 to 24) after its midnight."""
    hour = min(int(hours), 23)
    return min(_UNTIL[hour] + (_UNTIL[hour + 1] - _UNTIL[hour]) * (hours - hour), 1.0)


def by_hour(count: int, *, until: float = 24.0) -> list[int]:
    """Return how a day's `count` falls on its 24 hours, up to `until`; they add up to it."""
    seen = elapsed(until) or 1.0
    ends = [int(count * min(share / seen, 1.0) + 0.5) for share in _UNTIL]
    return [after - before for before, after in pairwise(ends)]


def split(count: int, weights: Sequence[float]) -> list[int]:
    """Return `count` divided in proportion to `weights`; the parts add up to it."""
    whole = sum(weights)
    until = [int(count * part / whole + 0.5) for part in accumulate(weights, initial=0.0)]
    return [after - before for before, after in pairwise(until)]


def _factor(ordinal: int, curve: _Curve) -> float:
    day = date.fromordinal(ordinal)
    growth: float = _GROWTH_A_YEAR ** ((ordinal - _GROWTH_FROM) / 365.25)
    return _WEEK[day.weekday()] * growth * _between(curve, day.timetuple().tm_yday)


def _between(curve: _Curve, place: int) -> float:
    right = min(bisect_right(curve, (place, float("inf"))), len(curve) - 1)
    (x0, y0), (x1, y1) = curve[right - 1], curve[right]
    return y0 + (y1 - y0) * (place - x0) / (x1 - x0)
