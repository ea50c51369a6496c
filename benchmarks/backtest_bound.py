"""The best that any rule could do about a simulated year: what the backtest holds ours against.

Whoever knows what a day would read but for chance, and how large chance is, can do no better than
to weigh "half of it is gone" against "all is well" by how likely each makes the reading: that is
the likelihood-ratio test, and no other finds more at the same rate of false alerts. Evidence of the
day before is added, if it speaks for a drop.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from benchmarks.backtest_orgs import (
    CLUSTER,
    FIGURES,
    MESSAGES,
    SESSIONS,
    SPREAD_OF_MESSAGES,
    SWAY,
    SWAY_OF_MESSAGES,
    YEAR,
    Org,
)
from benchmarks.backtest_rules import MIN_BASELINE, Judge

_LOST = 0.5
_MOST = 20.0
"""Evidence that every drop falls short of on some day, to search below."""

_STEPS = 10
_ROUNDING = 1 / 12
"""Variance of what rounding to whole numbers takes or adds."""

Expecting = Callable[[str, date], float | None]
"""Tells what a day should read of a figure."""


Evidence = Mapping[tuple[str, date], float]
"""What speaks for a drop of a figure by a day, where anything does."""


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """The test of one org: it tells what has evidence from `least` on."""

    evidence: Evidence
    least: float

    def tells(self, figure: str, day: date) -> bool:
        """Return whether a drop is told."""
        return self.evidence.get((figure, day), 0.0) >= self.least


def knowing_the_truth(org: Org) -> Evidence:
    """Return the evidence of one who knows what each day would read but for chance."""
    return _evidence(org, lambda figure, day: org.expected[figure][day])


def knowing_the_baseline(org: Org) -> Evidence:
    """Return the evidence of one who takes our baseline for the truth."""
    judge = Judge(org)

    def usual(figure: str, day: date) -> float | None:
        reading = judge.reading(figure, "1d", day)
        return reading.usual if reading else None

    return _evidence(org, usual)


def cheapest(false: Callable[[float], float], budget: float) -> float:
    """Return the least evidence to ask for, so that no more than `budget` alerts are `false`."""
    low, high = 0.0, _MOST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if false(middle) <= budget else (middle, high)
    return high


def _evidence(org: Org, expected: Expecting) -> Evidence:
    """Weigh each day that ours may judge too, and what the day before adds to it."""
    judge = Judge(org)
    evidence: dict[tuple[str, date], float] = {}
    for figure in FIGURES:
        before = 0.0
        for day in YEAR:
            today = _of_a_day(org, judge, figure, day, expected)
            if today is not None and today + before > 0:
                evidence[figure, day] = today + before
            before = max(today or 0.0, 0.0)
    return evidence


def _of_a_day(org: Org, judge: Judge, figure: str, day: date, expected: Expecting) -> float | None:
    volume = judge.baseline(SESSIONS if figure == MESSAGES else figure, "1d", day)
    if volume is None or volume < MIN_BASELINE or judge.is_quiet("1d", day):
        return None
    read, mean = org.daily[figure].get(day), expected(figure, day)
    if read is None or not mean:
        return None
    sessions = org.daily[SESSIONS].get(day) or 0
    lost, well = (_likelihood(figure, read, mean * left, sessions) for left in (1 - _LOST, 1))
    return lost - well


def _likelihood(figure: str, read: float, mean: float, sessions: float) -> float:
    """Return the logarithm of how likely a reading is; counts are near normal by their roots."""
    if figure == MESSAGES:
        spread = SWAY_OF_MESSAGES**2 + SPREAD_OF_MESSAGES**2 / sessions
        return _normal(read, mean, mean**2 * spread + _ROUNDING)
    return _normal(math.sqrt(read), math.sqrt(mean), (CLUSTER[figure] + SWAY**2 * mean) / 4)


def _normal(value: float, mean: float, variance: float) -> float:
    return -((value - mean) ** 2) / (2 * variance) - math.log(variance) / 2
