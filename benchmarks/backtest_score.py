"""How a method does on a series: false alerts, drops that are found, days that are not judged."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from math import inf

from benchmarks.backtest_methods import Method, Past
from benchmarks.backtest_series import Series

WITHIN = 2
"""Days within which a drop is to be found, and days without an alert that end an episode."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Trial:
    """A drop: the expected size of its first two days, and the highest score on each of them."""

    size: float
    score: float | None


@dataclass(frozen=True)
class Scores:
    """The scores of a method on a series."""

    series: Series
    by_day: dict[date, float | None]
    trials: Sequence[Trial] = ()

    def episodes(self, threshold: float) -> list[date]:
        """Return the first days of episodes: runs of alerts less than three days apart."""
        first: list[date] = []
        last = date.min
        for day, score in self.by_day.items():
            if score is None or score < threshold:
                continue
            if (day - last).days > WITHIN:
                first.append(day)
            last = day
        return first

    @cached_property
    def unjudged(self) -> int:
        """Return the number of known days that the method does not judge."""
        return sum(score is None for score in self.by_day.values())


def scores(method: Method, series: Series, *, calendar: bool = True) -> Scores:
    """Return the scores of a method, with or without the quiet days of the calendar."""
    quiet = series.quiet if calendar else frozenset()
    past = Past(series, series.daily, series.weekly, quiet)
    by_day = {day: method.score(past, day) for day in series.scored}
    return Scores(series, by_day, tuple(_trials(method, series, quiet)) if calendar else ())


def _trials(method: Method, series: Series, quiet: frozenset[date]) -> Iterator[Trial]:
    for drop in series.drops:
        size = series.size(drop.first)
        if size is None:
            continue
        past = Past(series, *series.dropped(drop), quiet)
        days = (drop.first + _DAY * number for number in range(WITHIN))
        known = [s for day in days if (s := method.score(past, day)) is not None]
        yield Trial(size, max(known, default=None))


@dataclass(frozen=True, slots=True)
class Result:
    """What a method does at a threshold, over many series."""

    scores: Sequence[Scores]
    threshold: float

    @property
    def false_alerts(self) -> float:
        """Return false alerts per figure and year."""
        count = sum(len(one.episodes(self.threshold)) for one in self.scores)
        return count / self._years

    @property
    def incidents(self) -> float:
        """Return false alerts per org and year; those of several figures on near days are one."""
        orgs: dict[str, list[Scores]] = {}
        for one in self.scores:
            orgs.setdefault(one.series.org, []).append(one)
        count, years = 0, 0.0
        for group in orgs.values():
            years += max(one.series.years for one in group)
            last = date.min
            for day in sorted(day for one in group for day in one.episodes(self.threshold)):
                count += (day - last).days > WITHIN
                last = day
        return count / years

    @property
    def unjudged(self) -> float:
        """Return the share of known days that are not judged."""
        days = sum(len(one.by_day) for one in self.scores)
        return sum(one.unjudged for one in self.scores) / days

    def found(self, low: float, high: float = inf) -> tuple[int, int]:
        """Return how many drops of an expected size were found within two days, and of how many."""
        trials = [t for one in self.scores for t in one.trials if low <= t.size < high]
        found = sum(t.score is not None and t.score >= self.threshold for t in trials)
        return found, len(trials)

    @property
    def _years(self) -> float:
        return sum(one.series.years for one in self.scores)


def at_rate(each: Sequence[Scores], rate: float) -> Result:
    """Return the result at the lowest threshold with at most `rate` false alerts."""
    known = _known(each)
    low, high = 0, len(known) - 1
    while low < high:
        middle = (low + high) // 2
        if Result(each, known[middle]).false_alerts <= rate:
            high = middle
        else:
            low = middle + 1
    return Result(each, known[low])


def _known(each: Iterable[Scores]) -> list[float]:
    return [*sorted({s for one in each for s in one.by_day.values() if s is not None}), inf]
