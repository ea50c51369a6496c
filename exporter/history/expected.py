"""The expected range of a window: what it should be according to the org's own history.

A pure function of the history. docs/expected-ranges.md explains the method, and
`python -m benchmarks.backtest` evaluates it. Distances are logarithms of ratios, so the size of
the org does not matter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import exp, log, sqrt
from statistics import median
from typing import Literal

REACH = 182
"""Days before the window that are used."""

SENSITIVITY: Mapping[str, float] = {"low": 0.75, "normal": 1.5, "high": 4.0}
"""Accepted false alerts per figure and year, by name."""

_SAME, _RECENT = 8, 8
"""Values of the same weekday, and recent days, of which a median is taken."""

_LEVEL_REACH = 28
_LEAST_SAME, _LEAST_RECENT, _LEAST_RESIDUALS = 2, 3, 5
_RESIDUALS = 147
"""Days before the window whose residuals are used: earlier ones lack a history of their own."""

_TOGETHER, _EACH, _ALONE = log(1 / 0.62), log(1 / 0.7), log(1 / 0.2)
"""Least distances at normal sensitivity: two low days together, each of them, and one alone."""

_DAY_SPREADS, _WEEK_SPREADS = 2.0, 4.0
"""Least distances at normal sensitivity, in standard deviations of the residuals."""

_WIDEST = 0.3
"""Standard deviation of the residuals beyond which there is no usable pattern."""

_STRICTER = 0.4
"""By how much distances grow if e times fewer false alerts are accepted, measured on real data."""

_NEAREST = 0.25
_NORMAL = 1.4826
"""Standard deviation of a normal distribution, as a multiple of its median absolute deviation."""

_CLUSTER = 1.5
"""Variance of a count as a multiple of its mean."""

_CHANCE = 3.5
"""Standard deviations of counting noise that a bound leaves room for."""

_ROUNDING = 1.0
"""The API rounds averages to whole numbers, so a step of one may be rounding."""

_FARTHEST = 3.0
"""Distances are cut off here, so that a day without events has one."""

_LEAST_COUNT = 10.0
_LEAST_SAME_FOR_ZERO = 4
_CLOSE = 10.0
_HALF_EVENT = 0.5
_WEEK = 7
_WEEKS = 4
_DAY = timedelta(days=1)

_Logs = Sequence[float | None]
"""Logarithms of values or of ratios, by the number of days before the window."""


class Kind(StrEnum):
    """What a figure is: only counts have counting noise, only averages are rounded."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"


_SMALLEST = {Kind.COUNT: _LEAST_COUNT, Kind.SUM: 0.0, Kind.AVERAGE: _ROUNDING}
"""Expected values up to these have no bound."""


class Reason(StrEnum):
    """Why there is no bound."""

    NONE = ""
    HISTORY = "too little history"
    QUIET = "near a quiet day"
    PATTERN = "no usable pattern"
    VOLUME = "low volume"


@dataclass(frozen=True, slots=True)
class ExpectedRange:
    """What a window should be, and the bound below which it is too low.

    `low` is positive wherever 0 is implausible, even without a usable pattern. A window has
    dropped if it is below `low`, and is silent if it is 0 and `low` is above 0.
    """

    value: float | None
    low: float | None
    reason: Reason


def expected_range(
    values: Mapping[date, float | None],
    end: date,
    *,
    length: Literal[1, 7],
    is_quiet: Callable[[date], bool],
    sensitivity: float,
    kind: Kind = Kind.COUNT,
) -> ExpectedRange:
    """Return what the window of `length` days that ends on `end` should be.

    `values` are windows by their last day. Unknown ones are None or left out; those from `end` on
    are not used. `is_quiet` is asked for calendar days: the days before and after a quiet day are
    treated as quiet, too. `sensitivity` is the accepted number of false alerts per figure and year.
    """
    quiet = _near_quiet(end, length, is_quiet)
    logs = _logs(values, end, quiet)
    forecast = _of_days(logs) if length == 1 else _of_weeks(logs)
    value = None if forecast.center is None else exp(forecast.center)
    if quiet[0]:
        return ExpectedRange(value, None, Reason.QUIET)
    if value is None:
        return _without_bound(logs, kind, None, Reason.HISTORY)
    if len(forecast.residuals) < _LEAST_RESIDUALS:
        return _without_bound(logs, kind, value, Reason.HISTORY)
    spread = _NORMAL * median(map(abs, forecast.residuals))
    if spread > _WIDEST:
        return _without_bound(logs, kind, None, Reason.PATTERN)
    if value <= _SMALLEST[kind]:
        return ExpectedRange(value, None, Reason.VOLUME)
    noise = _CLUSTER / value if kind is Kind.COUNT else 0.0
    strictness = max(1 + _STRICTER * log(SENSITIVITY["normal"] / sensitivity), _NEAREST)
    wide = sqrt(spread**2 + noise)
    if length == 1:
        distance = _distance_of_day(forecast.yesterday, wide, noise, strictness)
    else:
        distance = strictness * max(_TOGETHER, _WEEK_SPREADS * wide, _chance(noise))
    low = value * exp(-distance)
    if kind is Kind.AVERAGE:
        low = min(low, value - _ROUNDING)
    return ExpectedRange(value, low, Reason.NONE)


@dataclass(frozen=True, slots=True)
class _Forecast:
    """The logarithm of what a window should be, and how far earlier windows were from theirs."""

    center: float | None
    residuals: Sequence[float]
    yesterday: float | None = None
    """How far the day before is from the level that `center` is at; None if unknown."""


def _of_days(logs: _Logs) -> _Forecast:
    """Expect the same weekday of earlier weeks, at the level of recent days."""
    above = [_above_weekday(logs, ago) for ago in range(REACH + 1)]
    weekday, level = _weekday(logs, 0), _level(above, 0)
    if weekday is None or level is None:
        return _Forecast(None, ())
    residuals = [
        own - then
        for ago, own in enumerate(above[:_RESIDUALS])
        if ago > 1 and own is not None and (then := _level(above, ago)) is not None
    ]
    yesterday = None if above[1] is None else above[1] - level
    return _Forecast(weekday + level, residuals, yesterday)


def _weekday(logs: _Logs, ago: int) -> float | None:
    """Return the median of the same weekday in the weeks before a day."""
    known = [value for value in logs[ago + _WEEK :: _WEEK] if value is not None]
    return median(known[:_SAME]) if len(known) >= _LEAST_SAME else None


def _above_weekday(logs: _Logs, ago: int) -> float | None:
    """Return how far a day was above the same weekday in the weeks before it."""
    own, weekday = logs[ago], _weekday(logs, ago)
    return None if own is None or weekday is None else max(own - weekday, -_FARTHEST)


def _level(above: _Logs, ago: int) -> float | None:
    """Return how far the days before a day were above their weekdays."""
    known = [value for value in above[ago + 1 : ago + 1 + _LEVEL_REACH] if value is not None]
    return median(known[:_RECENT]) if len(known) >= _LEAST_RECENT else None


def _of_weeks(logs: _Logs) -> _Forecast:
    """Expect the week before or the median of four weeks, whichever is lower.

    So neither a decline that has lasted for weeks nor the end of a single busy week is a drop.
    Only windows that do not overlap are used.
    """
    weeks = [value for value in logs[_WEEK::_WEEK] if value is not None]
    centers = [
        min(before[0], median(before))
        for number in range(len(weeks))
        if len(before := weeks[number : number + _WEEKS]) >= _LEAST_SAME
    ]
    if not centers:
        return _Forecast(None, ())
    residuals = [own - center for own, center in zip(weeks, centers[1:], strict=False)]
    return _Forecast(centers[0], residuals)


def _distance_of_day(
    yesterday: float | None, spread: float, noise: float, strictness: float
) -> float:
    """Return how far below its center a day is too low.

    On its own it must be far below. If the day before was low as well, the mean of the two counts.
    """
    alone = strictness * max(_ALONE, _DAY_SPREADS * spread, _chance(noise))
    together = strictness * max(_TOGETHER, _DAY_SPREADS * spread, _chance(noise / 2))
    each = strictness * _EACH
    if yesterday is None or yesterday > -each:
        return alone
    return min(alone, max(each, 2 * together + yesterday))


def _chance(noise: float) -> float:
    """Return the distance that counting noise alone hardly reaches.

    The square root of a count varies by the same amount at every size.
    """
    return -2 * log(max(1 - _CHANCE / 2 * sqrt(noise), exp(-_FARTHEST / 2)))


def _near_quiet(end: date, length: int, is_quiet: Callable[[date], bool]) -> list[bool]:
    """Return for each window, latest first, whether it holds or touches a quiet day."""
    days = [is_quiet(end + _DAY * (1 - ago)) for ago in range(REACH + length + 2)]
    if True not in days:
        return [False] * (REACH + 1)
    return [True in days[ago : ago + length + 2] for ago in range(REACH + 1)]


def _logs(
    values: Mapping[date, float | None], end: date, quiet: Sequence[bool]
) -> list[float | None]:
    """Return the logarithm of each usable window before `end`, by days before it."""
    logs: list[float | None] = [None]
    for ago in range(1, REACH + 1):
        value = None if quiet[ago] else values.get(end - _DAY * ago)
        logs.append(None if value is None else log(max(value, _HALF_EVENT)))
    return logs


def _without_bound(logs: _Logs, kind: Kind, value: float | None, reason: Reason) -> ExpectedRange:
    """Return a range whose bound is 1 if 0 is implausible, and absent otherwise."""
    return ExpectedRange(value, 1.0 if _zero_is_implausible(logs, kind) else None, reason)


def _zero_is_implausible(logs: _Logs, kind: Kind) -> bool:
    """Return whether the same weekday was never close to 0: counts below 10, a tenth of a sum."""
    same = [known for known in logs[_WEEK::_WEEK] if known is not None][:_SAME]
    if kind is Kind.AVERAGE or len(same) < _LEAST_SAME_FOR_ZERO:
        return False
    least = log(_LEAST_COUNT) if kind is Kind.COUNT else median(same) - log(_CLOSE)
    return min(same) >= least
