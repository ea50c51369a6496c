"""Daily series and drops at known dates: what the backtest runs on."""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from statistics import median

from exporter.history.expected import Kind

DROPS = 80
FRACTION = 0.5
LENGTHS = (3, 7, 14)
_WARMUP = 28
"""Days at the start of a series on which no drop starts."""

_MANY = 1000
"""From here on a binomial is close to normal."""

_DAY = timedelta(days=1)
_WEEK = 7

Values = Mapping[date, float | None]


@dataclass(frozen=True, slots=True)
class Drop:
    """A fall by half: the values of its days, from the first."""

    first: date
    values: tuple[float | None, ...]

    def days(self) -> dict[date, float | None]:
        """Return the values by date."""
        return {self.first + _DAY * number: value for number, value in enumerate(self.values)}


@dataclass(frozen=True)
class Series:
    """One figure of one org."""

    org: str
    figure: str
    group: str
    """What it is reported with: the org of real series, the kind of simulated ones."""

    kind: Kind
    daily: Values
    weekly: Values
    """Windows of seven days, by their last day."""

    quiet: frozenset[date]
    scored: tuple[date, ...]
    """The days on which alerts count, oldest first: those with a known value."""

    @property
    def name(self) -> str:
        """Return the name that its drops are drawn by."""
        return f"{self.org} {self.figure}"

    @property
    def years(self) -> float:
        """Return the years of known values."""
        return len(self.scored) / 365

    def is_ordinary(self, day: date) -> bool:
        """Return whether neither the day nor one beside it is quiet."""
        return not any(day + _DAY * n in self.quiet for n in (-1, 0, 1))

    def size(self, day: date) -> float | None:
        """Return the median of the same weekday in the four weeks before and after a day.

        It does not depend on the method that is evaluated.
        """
        near = (day + _DAY * _WEEK * week for week in (-4, -3, -2, -1, 1, 2, 3, 4))
        known = [
            value
            for at in near
            if self.is_ordinary(at) and (value := self.daily.get(at)) is not None
        ]
        return median(known) if known else None

    @cached_property
    def drops(self) -> tuple[Drop, ...]:
        """Return the drops, each of 3, 7 or 14 days, that start on ordinary days."""
        rng = Random(self.name)  # noqa: S311 - repeatable, not secret
        first = min(self.daily)
        days = [
            day
            for day in self.scored
            if self.daily[day] and self.is_ordinary(day) and (day - first).days >= _WARMUP
        ]
        return tuple(self._drop(rng, rng.choice(days)) for _ in range(DROPS)) if days else ()

    def dropped(self, drop: Drop) -> tuple[Values, Values]:
        """Return the daily values and the windows of seven days with a drop in them."""
        low = drop.days()
        daily = {**self.daily, **low}
        weekly = dict(self.weekly)
        for number in range(len(drop.values)):
            end = drop.first + _DAY * number
            was = weekly.get(end)
            days = [end - _DAY * n for n in range(_WEEK)]
            before = sum(self.daily.get(day) or 0 for day in days)
            if was is not None and before:
                weekly[end] = was * sum(daily.get(day) or 0 for day in days) / before
        return daily, weekly

    def _drop(self, rng: Random, first: date) -> Drop:
        days = (first + _DAY * n for n in range(rng.choice(LENGTHS)))
        return Drop(first, tuple(self._fallen(rng, self.daily.get(day)) for day in days))

    def _fallen(self, rng: Random, value: float | None) -> float | None:
        if value is None or self.kind is not Kind.COUNT:
            return None if value is None else value * (1 - FRACTION)
        return thinned(rng, int(value), 1 - FRACTION)


def thinned(rng: Random, count: int, share: float) -> float:
    """Return how many of `count` remain if each does with a chance of `share`."""
    if count > _MANY:
        return max(round(rng.gauss(count * share, math.sqrt(count * share * (1 - share)))), 0)
    return sum(rng.random() < share for _ in range(count))


def weekly_sums(daily: Values) -> dict[date, float | None]:
    """Return the sum of the seven days up to each day, unknown if one of them is."""
    sums: dict[date, float | None] = {}
    for end in daily:
        days = [daily.get(end - _DAY * n) for n in range(_WEEK)]
        known = [value for value in days if value is not None]
        sums[end] = sum(known) if len(known) == _WEEK else None
    return sums


def read(directory: Path) -> Iterator[Series]:
    """Yield the series of a directory of CSV files with the columns `date,value,quiet`.

    An empty value is an unknown day. The name up to the first underscore is the org. A series with
    a fraction in it is not a count.
    """
    for path in sorted(directory.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = {date.fromisoformat(row["date"]): row for row in csv.DictReader(file)}
        daily = {day: float(row["value"]) if row["value"] else None for day, row in rows.items()}
        known = {day: value for day, value in daily.items() if value is not None}
        yield Series(
            org=(org := path.stem.partition("_")[0]),
            figure=path.stem,
            group=org,
            kind=Kind.COUNT if all(map(float.is_integer, known.values())) else Kind.SUM,
            daily=daily,
            weekly=weekly_sums(daily),
            quiet=frozenset(day for day, row in rows.items() if row["quiet"] == "1"),
            scored=tuple(sorted(known)),
        )
