"""What the expected range is compared with: each method gives a day a score.

A method fires if the score reaches its threshold. None means that it does not judge the day.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Literal, Protocol

from benchmarks.backtest_series import Series, Values
from exporter.history.expected import SENSITIVITY, Kind, expected_range

_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_FAR = 100.0
"""The score of a value of 0."""

_STEP = 1.0
"""The API rounds averages to whole numbers."""

_BASELINE_WEEKS = (1, 2, 3, 4)
_DROP_RATIO, _MIN_BASELINE, _EVIDENCE = 0.4, 20.0, 3.5
"""Defaults of version 1: share that must be missing, smallest baseline, standard deviations."""

_BASELINE_QUORUM = 3
_MEDIAN, _CLUSTER = 1.4, 1.5
"""Variance of a count and its median together, and of a count, as version 1 had them."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a figure: its values, with or without a drop, and the quiet days."""

    series: Series
    daily: Values
    weekly: Values
    quiet: frozenset[date]

    def is_quiet(self, day: date) -> bool:
        """Return whether the calendar has the day."""
        return day in self.quiet

    def near_quiet(self, day: date) -> bool:
        """Return whether the day or one beside it is quiet."""
        return any(day + _DAY * n in self.quiet for n in (-1, 0, 1))

    def usable(self, day: date) -> float | None:
        """Return the value of a day that is not near a quiet one."""
        return None if self.near_quiet(day) else self.daily.get(day)


class Method(Protocol):
    """A rule on drops."""

    def score(self, past: Past, day: date) -> float | None:
        """Return how strongly the values up to `day` speak for a drop."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A window is below the bound of its expected range. The score is 1 if so, else 0."""

    sensitivity: float = SENSITIVITY["normal"]
    lengths: tuple[Literal[1, 7], ...] = (1, 7)

    def score(self, past: Past, day: date) -> float | None:
        """Return 1 if the window of any length is too low."""
        scores = [self._score(past, day, length) for length in self.lengths]
        return max((score for score in scores if score is not None), default=None)

    def _score(self, past: Past, day: date, length: Literal[1, 7]) -> float | None:
        values = past.daily if length == 1 else past.weekly
        value = values.get(day)
        if value is None:
            return None
        expected = expected_range(
            values,
            day,
            length=length,
            is_quiet=past.is_quiet,
            sensitivity=self.sensitivity,
            kind=past.series.kind,
        )
        return None if expected.low is None else float(value < expected.low)


@dataclass(frozen=True, slots=True)
class VersionOne:
    """The rules of version 1: 40 % below the median of four weeks, and beyond chance."""

    def score(self, past: Past, day: date) -> float | None:
        """Return 1 if a day, two days together or seven days are too low."""
        now, usual = past.daily.get(day), self._baseline(past.daily, past.quiet, day, 1)
        week = past.weekly.get(day)
        week_usual = self._baseline(past.weekly, past.quiet, day, 7)
        scores = [self._evident(past.series, week, week_usual)]
        today = self._evident(past.series, now, usual)
        scores.append(today)
        before = day - _DAY
        then, then_usual = (
            past.daily.get(before),
            self._baseline(past.daily, past.quiet, before, 1),
        )
        if (
            today is not None
            and now is not None
            and usual is not None
            and then is not None
            and self._evident(past.series, then, then_usual) is not None
            and then_usual is not None
            and now <= (1 - _DROP_RATIO / 2) * usual
        ):
            scores.append(self._evident(past.series, now + then, usual + then_usual))
        return max((score for score in scores if score is not None), default=None)

    @staticmethod
    def _baseline(values: Values, quiet: frozenset[date], day: date, length: int) -> float | None:
        def is_quiet(end: date) -> bool:
            return any(end - _DAY * n in quiet for n in range(length))

        if is_quiet(day):
            return None
        ends = (day - _WEEK * n for n in _BASELINE_WEEKS)
        known = [v for end in ends if not is_quiet(end) and (v := values.get(end)) is not None]
        return median(known) if len(known) >= _BASELINE_QUORUM else None

    @staticmethod
    def _evident(series: Series, now: float | None, usual: float | None) -> float | None:
        if (
            now is None
            or usual is None
            or usual < (_MIN_BASELINE if series.kind is Kind.COUNT else 0.01)
        ):
            return None
        low = now <= (1 - _DROP_RATIO) * usual
        if series.kind is not Kind.COUNT:
            return float(low)
        beyond = 2 * (math.sqrt(usual) - math.sqrt(now)) / math.sqrt(_MEDIAN * _CLUSTER)
        return float(low and beyond >= _EVIDENCE)


@dataclass(frozen=True, slots=True)
class LastWeek:
    """`x < 0.6 * (x offset 1w)`. The score is the ratio of last week's value to this one."""

    def score(self, past: Past, day: date) -> float | None:
        """Return by how much the same weekday of the week before was higher."""
        now, before = past.daily.get(day), past.daily.get(day - _WEEK)
        if now is None or before is None or past.is_quiet(day):
            return None
        return before / now if now else _FAR * (before > 0)


@dataclass(frozen=True, slots=True)
class SeasonalHybridESD:
    """Seasonal hybrid ESD: weekday medians are taken out, then extreme values, one by one.

    The score is the distance of the day from the median of the others, in median absolute
    deviations, over eight weeks of which at most a tenth are extreme.
    """

    days: int = 56
    least: int = 21
    extreme: float = 0.1

    def score(self, past: Past, day: date) -> float | None:
        """Return how far a day is below the others."""
        if past.usable(day) is None:
            return None
        known = [
            (at, value)
            for n in range(self.days)
            if (value := past.usable(at := day - _DAY * n)) is not None
        ]
        if len(known) < self.least:
            return None
        center = median(value for _, value in known)
        weekdays = {
            weekday: median([v for at, v in known if at.weekday() == weekday] or [center])
            for weekday in range(7)
        }
        residuals = [value - weekdays[at.weekday()] for at, value in known]
        today = residuals[0]
        others = sorted(residuals[1:], key=abs)
        kept = others[: len(others) - int(self.extreme * len(others))]
        middle = median(kept)
        deviation = median(abs(value - middle) for value in kept)
        # A rounded average may not vary at all: without a step as the least, it takes every alert.
        least = _STEP if past.series.kind is Kind.AVERAGE else 1e-3 * max(center, 1.0)
        return (middle - today) / max(deviation, least)


@dataclass(frozen=True, slots=True)
class Ewma:
    """An EWMA chart of the ratio to the same weekday: the distance in its own deviations."""

    weight: float = 0.4
    days: int = 147
    least: int = 14

    def score(self, past: Past, day: date) -> float | None:
        """Return how far the weighted mean of recent days is below its target."""
        if past.usable(day) is None:
            return None
        ratios = [self._ratio(past, day - _DAY * n) for n in range(self.days)]
        if ratios[0] is None:
            return None
        known = [ratio for ratio in ratios if ratio is not None]
        if len(known) < self.least:
            return None
        deviation = 1.4826 * median(abs(ratio) for ratio in known[1:])
        mean = _weighted(reversed(known[:28]), self.weight)
        least = _STEP / (past.daily[day] or _STEP) if past.series.kind is Kind.AVERAGE else 0.01
        spread = max(deviation, least) * math.sqrt(self.weight / (2 - self.weight))
        return -mean / spread

    @staticmethod
    def _ratio(past: Past, day: date) -> float | None:
        value = past.usable(day)
        if value is None:
            return None
        known = [v for n in _BASELINE_WEEKS if (v := past.usable(day - _WEEK * n)) is not None]
        if len(known) < _BASELINE_QUORUM - 1:
            return None
        return math.log(max(value, 0.5)) - math.log(max(median(known), 0.5))


def _weighted(values: Iterable[float], weight: float) -> float:
    mean = 0.0
    for value in values:
        mean += weight * (value - mean)
    return mean
