"""The expected range of a window: what it should be according to the org's own history.

A pure function of the history. docs/expected-ranges.md explains the method and
`python -m benchmarks.backtest` evaluates it. Everything is on a logarithmic scale, so that a
distance is a ratio and the size of the org does not matter.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import exp, log, sqrt
from typing import Literal

REACH = 182
"""Days before the window that are used."""

SENSITIVITY: Mapping[str, float] = {"low": 0.5, "normal": 1.5, "high": 4.0}
"""Accepted false alerts per figure and year, by name."""

_WEEKS = 13
_SAME_WEEKDAYS = 8
_LEVEL_DAYS = 7
_LEVEL_REACH = 28
_LEAST_WEEKDAYS, _LEAST_LEVEL, _LEAST_RESIDUALS = 2, 3, 10
"""Fewer values than these are too little history."""

_HALF, _ALONE = log(1 / 0.62), log(1 / 0.3)
"""Distance of the bound, at least: for two days together, and for one day alone."""

_STILL = log(1 / 0.8)
"""Distance of the second of two low days, at least."""

_WIDEST = 0.35
"""Standard deviation of the residuals from which on there is no usable pattern."""

_CLUSTER = 1.5
"""Variance of a count as a multiple of its mean."""

_ROUNDING = 1 / 12
_NORMAL = 1.4826
"""Standard deviation of a normal distribution, as a multiple of its median absolute deviation."""

_FARTHEST = 3.0
"""Distances are cut off here, so that a day without events has one."""

_SMALLEST = 5.0
_IMPLAUSIBLE_ZERO = 10.0
_ZERO_DAYS = 14
_WEEK = 7
_DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a figure is: only counts have counting noise, only averages are rounded."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"


class Reason(StrEnum):
    """Why there is no bound."""

    NONE = ""
    HISTORY = "too little history"
    QUIET = "near a quiet day"
    PATTERN = "no usable pattern"
    VOLUME = "low volume"


@dataclass(frozen=True, slots=True)
class ExpectedRange:
    """What a window should be, and the bound below which it is a drop.

    `low` is positive wherever 0 is implausible, even if there is no usable pattern. So a window is
    too low if it is below `low`, and silent if it is 0 and `low` is above 0.
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

    `values` are windows by their last day; unknown ones are None or left out, and those from `end`
    on are not used. `is_quiet` is asked for single days; the day before and the day after a quiet
    day are treated as quiet, too. `sensitivity` is the accepted number of false alerts per figure
    and year.
    """
    quiet = _near_quiet(end, length, is_quiet)
    logs = _logs(values, end, quiet)
    step = 1 if length == 1 else _WEEK
    apart = [_apart(logs, ago) for ago in range(REACH + 1)]
    weekly, level = _weekly(logs, 0), _level(apart, 0, step)
    if weekly is None or level is None:
        return _without_pattern(logs, quiet, kind, Reason.HISTORY)
    value = exp(weekly + level)
    if quiet[0]:
        return ExpectedRange(value, None, Reason.QUIET)
    spread = _spread(list(_residuals(apart, step)))
    if spread is None:
        return _without_pattern(logs, quiet, kind, Reason.HISTORY)
    if spread > _WIDEST:
        return _without_pattern(logs, quiet, kind, Reason.PATTERN)
    if kind is Kind.COUNT and value < _SMALLEST:
        return ExpectedRange(value, None, Reason.VOLUME)
    noise = {Kind.COUNT: _CLUSTER / value, Kind.SUM: 0.0, Kind.AVERAGE: _ROUNDING / value**2}
    distance = _distance(sqrt(spread**2 + noise[kind]), sensitivity)
    together = max(_HALF, distance)
    before = apart[1] if length == 1 else None
    reach = together if length != 1 else max(_ALONE, distance)
    if before is not None:
        reach = min(reach, max(2 * together + before - level, _STILL))
    return ExpectedRange(value, value * exp(-reach), Reason.NONE)


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
        logs.append(None if value is None else log(max(value, 0.5)))
    return logs


def _weekly(logs: Sequence[float | None], ago: int) -> float | None:
    """Return the median of the same weekday in the weeks before."""
    known = [x for x in logs[ago + _WEEK : ago + _WEEK * _WEEKS + 1 : _WEEK] if x is not None]
    return _median(known[:_SAME_WEEKDAYS]) if len(known) >= _LEAST_WEEKDAYS else None


def _apart(logs: Sequence[float | None], ago: int) -> float | None:
    """Return how far a window was above the same weekday in the weeks before it."""
    own, weekly = logs[ago], _weekly(logs, ago)
    return None if own is None or weekly is None else max(own - weekly, -_FARTHEST)


def _level(apart: Sequence[float | None], ago: int, step: int) -> float | None:
    """Return how far recent windows were above their weekdays, without the one before."""
    first = ago + 2 if step == 1 else ago + _WEEK
    known = [x for x in apart[first : ago + _LEVEL_REACH + 1 : step] if x is not None]
    least = _LEAST_LEVEL if step == 1 else 1
    return _median(known[:_LEVEL_DAYS]) if len(known) >= least else None


def _residuals(apart: Sequence[float | None], step: int) -> Iterator[float]:
    for ago in range(2, REACH + 1):
        own = apart[ago]
        if own is not None:
            level = _level(apart, ago, step)
            if level is not None:
                yield own - level


def _spread(residuals: Sequence[float]) -> float | None:
    """Return the standard deviation of residuals, as their median absolute value gives it."""
    if len(residuals) < _LEAST_RESIDUALS:
        return None
    return _NORMAL * _median([abs(residual) for residual in residuals])


def _distance(spread: float, sensitivity: float) -> float:
    """Return how far a bound is below the expected value, for residuals of that spread."""
    return spread * log(365 / sensitivity) * 0.36


def _without_pattern(
    logs: Sequence[float | None], quiet: Sequence[bool], kind: Kind, reason: Reason
) -> ExpectedRange:
    """Return the range of a window of which only 0 may be known to be implausible."""
    same = [x for x in logs[_WEEK : REACH + 1 : _WEEK] if x is not None][:_SAME_WEEKDAYS]
    days = [x for x in logs[1 : _LEVEL_REACH + 1] if x is not None]
    implausible = (
        kind is not Kind.AVERAGE
        and not quiet[0]
        and len(days) >= _ZERO_DAYS
        and len(same) >= _LEAST_WEEKDAYS
        and min(*same, *days) >= log(_IMPLAUSIBLE_ZERO)
    )
    return ExpectedRange(None, 1.0 if implausible else None, reason)


def _median(values: Sequence[float]) -> float:
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
