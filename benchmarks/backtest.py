"""How well the alerts on drops would have done: `python -m benchmarks.backtest`.

Over simulated years of orgs of every size, with drops at known dates, the rules are judged day
by day and compared with the usual `x < 0.6 * (x offset 1w)`, and with the best there could be.
`--write` puts the tables into docs/alerts.md. Constants of the rules are chosen on the years from
100 on (`--first 100`), which are never written.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Protocol

from benchmarks import backtest_bound, backtest_demo
from benchmarks.backtest_bound import Evidence, LikelihoodRatio
from benchmarks.backtest_orgs import (
    ACTIVE,
    FIGURES,
    MESSAGES,
    SESSIONS,
    YEAR,
    Drop,
    Org,
    orgs,
)
from benchmarks.backtest_rules import Judge, Usual

DOCUMENT = Path(__file__).parents[1] / "docs" / "alerts.md"
ORGS, YEARS = 50, 8
_DAY = timedelta(days=1)
_WITHIN = 2
_AFTER = timedelta(days=8)
"""How long after its end a drop is still seen in windows of seven days."""

_TOLD_FRACTION = 0.5
_BEGIN, _END = "<!-- backtest: begin -->", "<!-- backtest: end -->"


_BUDGET = 1.0
"""False alerts by org and year that the best there could be is allowed."""


class Telling(Protocol):
    """A rule on drops, of one org."""

    def tells(self, figure: str, day: date) -> bool:
        """Return whether a drop is told."""


Rule = Callable[[Org], Telling]


@dataclass(frozen=True, slots=True)
class Episode:
    """Days in a row (or with one between) on which an alert on a figure fired."""

    figure: str
    first: date
    last: date

    def tells_of(self, drop: Drop) -> bool:
        """Return whether the drop is behind it."""
        return (
            self.figure in drop.figures
            and self.first <= drop.span.last + _AFTER
            and drop.span.first <= self.last
        )


@dataclass(frozen=True, slots=True)
class Chance:
    """A drop that a rule could have told: on which volume, and after how many days it did."""

    figure: str
    volume: float | None
    """Baseline on the first two days, the smaller; None if nothing was usual."""

    fraction: float
    days: int | None


@dataclass(frozen=True)
class Outcome:
    """What a rule did in a year of one org."""

    size: float
    alerts: int
    false: Sequence[Episode]
    """Alerts behind which no injected drop is, and how many of them tell of an odd day."""

    odd: int
    chances: Sequence[Chance]

    @cached_property
    def notifications(self) -> int:
        """Return how often a person would have been called in vain, all figures in one call."""
        days = sorted({episode.first for episode in self.false})
        return sum(
            number == 0 or (day - days[number - 1]).days > _WITHIN
            for number, day in enumerate(days)
        )


def outcome(org: Org, rule: Rule) -> Outcome:
    """Return what a rule does in the year of an org."""
    return _outcome(org, rule(org))


def _outcome(org: Org, judge: Telling) -> Outcome:
    episodes = [
        episode
        for figure in FIGURES
        for episode in _episodes(figure, (day for day in YEAR if judge.tells(figure, day)))
    ]
    false = [one for one in episodes if not any(map(one.tells_of, org.drops))]
    odd = sum(any(one.first <= day <= one.last for day in org.odd) for one in false)
    return Outcome(org.size, len(episodes), false, odd, list(_chances(org, episodes)))


def _episodes(figure: str, days: Iterable[date]) -> Iterator[Episode]:
    first = last = None
    for day in days:
        if first is not None and last is not None and (day - last).days > _WITHIN:
            yield Episode(figure, first, last)
            first = None
        first, last = first or day, day
    if first is not None and last is not None:
        yield Episode(figure, first, last)


def _chances(org: Org, episodes: Sequence[Episode]) -> Iterator[Chance]:
    judge = Judge(org)
    for drop in org.drops:
        for figure in drop.figures:
            start = drop.span.first
            usually = [
                judge.baseline(SESSIONS if figure == MESSAGES else figure, "1d", day)
                for day in (start, start + _DAY)
            ]
            known = [volume for volume in usually if volume is not None]
            told = [
                max((episode.first - start).days, 0) + 1
                for episode in episodes
                if episode.figure == figure
                and episode.last >= start
                and episode.first <= drop.span.last + _AFTER
            ]
            volume = min(known) if len(known) == len(usually) else None
            yield Chance(figure, volume, drop.fraction, min(told, default=None))


def _share(parts: Iterable[bool]) -> str:
    answers = list(parts)
    return f"{fmean(answers):.0%} of {len(answers)}" if answers else "–"


def _found(chances: Iterable[Chance]) -> tuple[str, ...]:
    """Return how many were told within two days, how many at all, and after how many days."""
    all_of = list(chances)
    days = [chance.days for chance in all_of if chance.days is not None]
    return (
        _share(chance.days is not None and chance.days <= _WITHIN for chance in all_of),
        _share(chance.days is not None for chance in all_of),
        f"{fmean(days):.1f}" if days else "–",
    )


def _halved(outcomes: Iterable[Outcome], low: float, high: float = math.inf) -> list[Chance]:
    return [
        chance
        for outcome in outcomes
        for chance in outcome.chances
        if chance.fraction == _TOLD_FRACTION and chance.volume and low <= chance.volume < high
    ]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


_FALSE = ("false alerts", "of odd days", "false calls", "precision")
_RECALL = ("told within 2 days", "told at all", "days, mean")


def _false(outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    alerts = sum(outcome.alerts for outcome in outcomes)
    false = sum(len(outcome.false) for outcome in outcomes)
    return (
        f"{false / len(outcomes):.2f}",
        f"{fmean(outcome.odd for outcome in outcomes):.2f}",
        f"{fmean(outcome.notifications for outcome in outcomes):.2f}",
        f"{1 - false / alerts:.0%}" if alerts else "–",
    )


def best(everyone: Sequence[Org], knowing: Callable[[Org], Evidence]) -> Sequence[Outcome]:
    """Return what a likelihood-ratio test does at the budget."""
    known = [(org, knowing(org)) for org in everyone]

    def outcomes(least: float) -> Sequence[Outcome]:
        tests = ((org, LikelihoodRatio(evidence, least)) for org, evidence in known)
        return [_outcome(org, test) for org, test in tests]

    return outcomes(
        backtest_bound.cheapest(
            lambda least: fmean(len(one.false) for one in outcomes(least)), _BUDGET
        )
    )


def _compared(everyone: Sequence[Org], rules: Mapping[str, Rule]) -> dict[str, Sequence[Outcome]]:
    return {name: [outcome(org, rule) for org in everyone] for name, rule in rules.items()}


def _by_rule(found: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    return _table(
        ("rule", *_FALSE, *_RECALL),
        (
            (name, *_false(outcomes), *_found(_halved(outcomes, 50)))
            for name, outcomes in found.items()
        ),
    )


_USUAL: Mapping[str, Rule] = {"`x < 0.6 * (x offset 1w)`": Usual}
_RULES: Mapping[str, Rule] = {
    "ours": Judge,
    "ours, 1d alone": lambda org: Judge(org, windows=("1d",)),
    "ours, 7d alone": lambda org: Judge(org, windows=("7d",)),
    "ours, without quiet days": lambda org: Judge(org, calendar=False),
    **_USUAL,
}


def report(count: int, years: Iterable[int]) -> str:
    """Return the tables."""
    everyone = [org for seed in years for org in orgs(count, seed)]
    found = _compared(everyone, _RULES) | {
        "the best there could be": best(everyone, backtest_bound.knowing_the_truth),
        "the best by our baselines": best(everyone, backtest_bound.knowing_the_baseline),
    }
    ours, bound = found["ours"], found["the best there could be"]
    days = [
        Judge(org).reading(ACTIVE, "1d", day)
        for org in everyone
        for day in YEAR
        if day not in org.quiet
    ]
    lines = [
        (
            f"{len(everyone)} orgs, one year each. Of the days that are not quiet, "
            f"{_share(reading is not None for reading in days).partition(' ')[0]} have a baseline; "
            "most of the others follow a long break."
        ),
        "",
        *_by_rule(found),
        *_table(
            ("active users a day", *_FALSE),
            (
                (f"{low:,} to {high:,}", *_false([one for one in ours if low <= one.size < high]))
                for low, high in ((10, 100), (100, 1000), (1000, 10_000))
            ),
        ),
        *_table(
            ("baseline of the figure", *_RECALL, "the best: within 2 days"),
            (
                (
                    f"{low} to {high}" if high < math.inf else f"{low} and more",
                    *_found(_halved(ours, low, high)),
                    _found(_halved(bound, low, high))[0],
                )
                for low, high in ((20, 50), (50, 100), (100, 300), (300, math.inf))
            ),
        ),
        *_table(
            (
                "figure, on a baseline of 50 and more",
                "false alerts",
                *_RECALL,
                "the best: within 2 days",
            ),
            (
                (
                    f"`{figure}`",
                    f"{sum(e.figure == figure for o in ours for e in o.false) / len(ours):.2f}",
                    *_found(chance for chance in _halved(ours, 50) if chance.figure == figure),
                    _found(one for one in _halved(bound, 50) if one.figure == figure)[0],
                )
                for figure in FIGURES
            ),
        ),
    ]
    return "\n".join(lines)


def report_of_demo(count: int, years: Iterable[int]) -> str:
    """Return the table of the orgs of `iblai-exporter demo`."""
    everyone = [org for seed in years for org in backtest_demo.orgs(count, seed)]
    found = _compared(everyone, {"ours": Judge, **_USUAL})
    return "\n".join(
        (f"{len(everyone)} orgs of `iblai-exporter demo`, one year each.", "", *_by_rule(found))
    )


def written(tables: str) -> str:
    """Return the document with the tables in their place."""
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{tables}{_END}{after}"


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest", description=__doc__)
    parser.add_argument("--orgs", type=int, default=ORGS)
    parser.add_argument("--years", type=int, default=YEARS)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first year")
    parser.add_argument("--write", action="store_true", help="into docs/alerts.md")
    given = parser.parse_args()
    years = range(given.first, given.first + given.years)
    tables = f"{report(given.orgs, years)}\n{report_of_demo(given.orgs, years[:1])}"
    print(tables)  # noqa: T201 - what the program is for
    if given.write:
        DOCUMENT.write_text(written(tables), encoding="utf-8")


if __name__ == "__main__":
    main()
