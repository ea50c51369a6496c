"""The expected range of a window: what it should be according to the org's own history.

A pure function of the history. docs/expected-ranges.md explains the method, and
`python -m benchmarks.backtest` evaluates it. Distances are logarithms of ratios, so the size of
the org does not matter.
"""

from bisect import insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import exp, log, sqrt
from statistics import median
from typing import Literal

REACH = 182
"""Days before the window that are used."""

SENSITIVITY: Mapping[str, float] = {"low": 0.75, "normal": 1.5, "high": 4.0}
"""Accepted false alerts per figure and year, by name."""

_SAME, _RECENT = 8, 9
"""Values of the same weekday, and recent days, of which a median is taken."""

_LEVEL_REACH = 28
_LEAST_SAME, _LEAST_RECENT, _LEAST_RESIDUALS = 2, 3, 5
_RESIDUALS = 147
"""Days before the window whose residuals are used: earlier ones lack a history of their own."""

_TOGETHER, _EACH, _ALONE = log(1 / 0.65), log(1 / 0.72), log(1 / 0.1)
"""Least distances at normal sensitivity: two low days together, each of them, and one alone."""

_DAY_SPREADS, _WEEK_SPREADS = 2.0, 5.0
"""Least distances at normal sensitivity, in standard deviations of the residuals."""

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
_LEAST_SAME_FOR_ZERO = 6
_ALIKE = log(2)
"""Residuals are used of days on which at least half as much is expected: busy days vary less."""

_CLOSE = 10.0
_HALF_EVENT = 0.5
_WEEK = 7
_WEEKS, _WEEKS_REACH = 4, 8
_Logs = Sequence[float | None]
"""Logarithms of values or of ratios, by the number of days before the window."""


class Kind(StrEnum):
    """What a figure is: only counts have counting noise, only averages are rounded."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"


_WIDEST = {Kind.COUNT: 0.35, Kind.SUM: 0.35, Kind.AVERAGE: 0.2}
"""Standard deviations of the residuals beyond which there is no usable pattern.

The average of 20 chat sessions varies by about 0.2: that of fewer is not judged.
"""

_SMALLEST = {Kind.COUNT: _LEAST_COUNT, Kind.SUM: _HALF_EVENT, Kind.AVERAGE: _ROUNDING}
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
    reason = Reason.QUIET if quiet[0] else _reason(forecast, kind)
    value = None if reason is Reason.PATTERN else forecast.value
    low = None
    if value is not None and reason is Reason.NONE:
        strictness = max(1 + _STRICTER * log(SENSITIVITY["normal"] / sensitivity), _NEAREST)
        low = _low(forecast, value, kind, length=length, strictness=strictness)
    elif reason in {Reason.HISTORY, Reason.PATTERN} and _zero_is_implausible(logs, kind):
        low = 1.0
    return ExpectedRange(value, low, reason)


@dataclass(frozen=True, slots=True)
class _Forecast:
    """The logarithm of what a window should be, and how far earlier windows were from theirs."""

    center: float | None = None
    residuals: Sequence[float] = ()
    ordinary: float = 0.0
    """The median of the values that the residuals are of."""

    idle: bool = False
    """Whether next to nothing is expected, as on weekends of some orgs."""

    before: tuple[float, float] | None = None
    """The day before and what it should have been, as logarithms; None if unknown."""

    @property
    def value(self) -> float | None:
        """Return what the window should be."""
        if self.center is None:
            return None
        return exp(self.center) if self.center > log(_HALF_EVENT) else 0.0

    @property
    def spread(self) -> float:
        """Return the standard deviation of the residuals, as their median absolute value has it."""
        return _NORMAL * median(map(abs, self.residuals))


def _reason(forecast: _Forecast, kind: Kind) -> Reason:
    """Return why there is no bound, if there is none."""
    if forecast.idle:
        return Reason.VOLUME
    if forecast.value is None or len(forecast.residuals) < _LEAST_RESIDUALS:
        return Reason.HISTORY
    if forecast.spread > _WIDEST[kind]:
        return Reason.PATTERN
    return Reason.VOLUME if forecast.value <= _SMALLEST[kind] else Reason.NONE


def _low(forecast: _Forecast, value: float, kind: Kind, *, length: int, strictness: float) -> float:
    """Return the bound below which a window is too low.

    A day is too low on its own if it is far below. If the day before was low as well, it is too
    low if the two together are.
    """

    def bound(least: float, spreads: float, expected: float) -> float:
        noise = _CLUSTER / expected if kind is Kind.COUNT else 0.0
        # The residuals hold the noise of an ordinary day already.
        held = _CLUSTER / exp(forecast.ordinary) if kind is Kind.COUNT else 0.0
        spread = sqrt(forecast.spread**2 + max(noise - held, 0.0))
        return expected * exp(-strictness * max(least, spreads * spread, _chance(noise)))

    alone = (_ALONE, _DAY_SPREADS) if length == 1 else (_TOGETHER, _WEEK_SPREADS)
    low = bound(*alone, value)
    if forecast.before is not None:
        share = exp(-strictness * _EACH)
        before, expected = map(exp, forecast.before)
        if before < share * expected:
            both = bound(_TOGETHER, _DAY_SPREADS, value + expected) - before
            low = max(low, min(both, share * value))
    return min(low, value - _ROUNDING) if kind is Kind.AVERAGE else low


def _of_days(logs: _Logs) -> _Forecast:
    """Expect the same weekday of earlier weeks, at the level of recent days."""
    known = [value for value in logs if value is not None]
    if not known:
        return _Forecast()
    idle = median(known) - log(_CLOSE)
    weekdays: list[float | None] = [None] * len(logs)
    for phase in range(_WEEK):
        same = logs[phase::_WEEK]
        weekdays[phase::_WEEK] = _medians(same, _SAME, least=_LEAST_SAME, reach=len(same))
    above = [
        None if own is None or center is None or center < idle else max(own - center, -_FARTHEST)
        for own, center in zip(logs, weekdays, strict=True)
    ]
    levels = _medians(above, _RECENT, least=_LEAST_RECENT, reach=_LEVEL_REACH)
    weekday, level = weekdays[0], levels[0]
    if weekday is None or level is None:
        return _Forecast()
    days = zip(above[2:_RESIDUALS], levels[2:], weekdays[2:], strict=False)
    every = [
        (own - then, center)
        for own, then, center in days
        if own is not None and then is not None and center is not None
    ]
    alike = [one for one in every if one[1] > weekday - _ALIKE]
    used = alike if len(alike) >= _LEAST_RESIDUALS else every
    residuals = [residual for residual, _ in used]
    ordinary = median([center for _, center in used] or [weekday])
    own, center = logs[1], weekdays[1]
    before = None if own is None or center is None else (own, center + level)
    return _Forecast(weekday + level, residuals, ordinary, weekday < idle, before)


def _medians(values: _Logs, count: int, *, least: int, reach: int) -> list[float | None]:
    """Return for each place the median of the first `count` known values after it.

    Values are used up to `reach` places after it. With fewer than `least` there is no median.
    """
    medians: list[float | None] = [None] * len(values)
    used: deque[tuple[int, float]] = deque()
    ordered: list[float] = []
    for place in range(len(values) - 1, -1, -1):
        while used and (used[0][0] > place + reach or len(used) > count):
            ordered.remove(used.popleft()[1])
        if len(used) >= least:
            half = len(ordered) // 2
            medians[place] = (ordered[half] + ordered[-half - 1]) / 2
        value = values[place]
        if value is not None:
            used.append((place, value))
            insort(ordered, value)
    return medians


def _of_weeks(logs: _Logs) -> _Forecast:
    """Expect the week before or the median of four weeks, whichever is lower.

    So neither a decline that has lasted for weeks nor the end of a single busy week is a drop.
    Only windows that do not overlap are used.
    """
    weeks = logs[::_WEEK]
    centers = [_lower_center(weeks[n : n + _WEEKS_REACH]) for n in range(1, len(weeks) + 1)]
    pairs = [
        (own, center)
        for own, center in zip(weeks[1:], centers[1:], strict=True)
        if own is not None and center is not None
    ]
    residuals = [own - center for own, center in pairs]
    return _Forecast(centers[0], residuals, median([own for own, _ in pairs] or [0.0]))


def _lower_center(weeks: _Logs) -> float | None:
    known = [value for value in weeks if value is not None][:_WEEKS]
    return min(known[0], median(known)) if len(known) >= _LEAST_SAME else None


def _chance(noise: float) -> float:
    """Return the distance that counting noise alone hardly reaches.

    The square root of a count varies by the same amount at every size.
    """
    return -2 * log(max(1 - _CHANCE / 2 * sqrt(noise), exp(-_FARTHEST / 2)))


def _near_quiet(end: date, length: int, is_quiet: Callable[[date], bool]) -> list[bool]:
    """Return for each window, latest first, whether it holds or touches a quiet day."""
    last = end.toordinal()
    days = [is_quiet(date.fromordinal(last + 1 - ago)) for ago in range(REACH + length + 2)]
    return [True in days[ago : ago + length + 2] for ago in range(REACH + 1)]


def _logs(
    values: Mapping[date, float | None], end: date, quiet: Sequence[bool]
) -> list[float | None]:
    """Return the logarithm of each usable window before `end`, by days before it."""
    last = end.toordinal()
    logs: list[float | None] = [None]
    for ago in range(1, REACH + 1):
        value = None if quiet[ago] else values.get(date.fromordinal(last - ago))
        logs.append(None if value is None else log(max(value, _HALF_EVENT)))
    return logs


def _zero_is_implausible(logs: _Logs, kind: Kind) -> bool:
    """Return whether no day was close to 0 (10, or a tenth of a sum) that seldom is."""
    weekdays = [
        [known for known in logs[phase::_WEEK] if known is not None][:_SAME]
        for phase in range(1, _WEEK + 1)
    ]
    same = weekdays[-1]
    if kind is Kind.AVERAGE or len(same) < _LEAST_SAME_FOR_ZERO:
        return False
    least = log(_LEAST_COUNT) if kind is Kind.COUNT else median(same) - log(_CLOSE)
    others = [days for days in weekdays if days and median(days) >= least]
    return min(map(min, [same, *others])) >= least
