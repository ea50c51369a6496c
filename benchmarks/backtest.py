"""How well the expected range finds drops: `python -m benchmarks.backtest [--data DIR]`.

With `--data` it runs on the daily series of a directory (CSV files with the columns
`date,value,quiet`), and without on simulated years. Drops by half are injected at random days, and
the expected range is compared with the rules of version 1, with `x < 0.6 * (x offset 1w)`, and
with seasonal hybrid ESD and an EWMA chart at the same rate of false alerts. `--write` puts the
tables into docs/expected-ranges.md.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks import backtest_orgs, backtest_series
from benchmarks.backtest_methods import (
    Ewma,
    Expected,
    LastWeek,
    Method,
    SeasonalHybridESD,
    VersionOne,
)
from benchmarks.backtest_score import Result, Scores, at_rate, scores
from benchmarks.backtest_series import Series
from exporter.history.expected import SENSITIVITY

DOCUMENT = Path(__file__).parents[1] / "docs" / "expected-ranges.md"
ORGS, YEARS = 6, 1
SIZES = ((20, 50), (50, 100), (100, 300), (300, math.inf))
CURVE = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
JUDGED, MANY = 50, 300
"""Expected values from which on the goals for drops apply."""

_LAST_WEEK = 1 / 0.6


def results(each: Sequence[Series], *, workers: int) -> dict[str, tuple[Result, Result]]:
    """Return for each method its result with and without the calendar."""
    found: dict[str, tuple[Result, Result]] = {}

    def run(method: Method) -> tuple[list[Scores], list[Scores]]:
        return _scores(each, method, True, workers), _scores(each, method, False, workers)

    expected = run(Expected())
    found["expected range"] = Result(expected[0], 1), Result(expected[1], 1)
    rate = found["expected range"][0].false_alerts
    for name, method, threshold in (
        ("version 1", VersionOne(), 1.0),
        ("`x < 0.6 * (x offset 1w)`", LastWeek(), _LAST_WEEK),
        ("seasonal hybrid ESD, same rate", SeasonalHybridESD(), None),
        ("EWMA chart, same rate", Ewma(), None),
    ):
        own, without = run(method)
        least = at_rate(own, rate).threshold if threshold is None else threshold
        found[name] = Result(own, least), Result(without, least)
    return found


def curve(each: Sequence[Series], *, workers: int) -> dict[float, Result]:
    """Return the result of the expected range at several sensitivities."""
    return {rate: Result(_scores(each, Expected(rate), True, workers), 1) for rate in CURVE}


def _scores(each: Sequence[Series], method: Method, calendar: bool, workers: int) -> list[Scores]:  # noqa: FBT001
    judge = partial(scores, method, calendar=calendar)
    if workers < 2:  # noqa: PLR2004 - a pool of one is none
        return [judge(one) for one in each]
    with get_context("spawn").Pool(workers) as pool:
        return pool.map(judge, each, chunksize=1)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _share(result: Result, low: float, high: float = math.inf) -> str:
    found, count = result.found(low, high)
    return f"{found / count:.0%} of {count}" if count else "–"


def row(result: Result) -> tuple[str, ...]:
    """Return the cells of a result below `HEAD`, after the first."""
    return (
        f"{result.false_alerts:.2f}",
        f"{result.incidents:.2f}",
        _share(result, JUDGED),
        _share(result, MANY),
        f"{result.unjudged:.0%}",
    )


HEAD = (
    "false alerts per figure and year",
    "incidents per org and year",
    f"drops found, {JUDGED} and more",
    f"drops found, {MANY} and more",
    "days not judged",
)


def report(
    found: Mapping[str, tuple[Result, Result]], sensitivities: Mapping[float, Result]
) -> Iterator[str]:
    """Yield the lines of the tables."""
    expected = found["expected range"][0]
    years = sum(one.series.years for one in expected.scores)
    yield f"{len(expected.scores)} series, {years:.1f} years of known days."
    yield ""
    yield from table(
        ("method", *HEAD, "false alerts without quiet days"),
        (
            (name, *row(result), f"{without.false_alerts:.2f}")
            for name, (result, without) in found.items()
        ),
    )
    yield from table(
        ("expected value", *found),
        (
            (
                f"{low} to {high:.0f}" if high < math.inf else f"{low} and more",
                *(_share(result, low, high) for result, _ in found.values()),
            )
            for low, high in SIZES
        ),
    )
    yield from table(("group", *HEAD), _by(expected, lambda series: series.group))
    yield from table(("series", *HEAD), _by(expected, lambda series: series.figure))
    yield from table(
        ("sensitivity", *HEAD), ((_named(rate), *row(one)) for rate, one in sensitivities.items())
    )


def _by(result: Result, key: Callable[[Series], str]) -> Iterator[tuple[str, ...]]:
    groups: dict[str, list[Scores]] = {}
    for one in result.scores:
        groups.setdefault(key(one.series), []).append(one)
    for name, group in groups.items():
        yield name, *row(Result(group, result.threshold))


def _named(rate: float) -> str:
    names = [f"{rate:g} (`{name}`)" for name, each in SENSITIVITY.items() if each == rate]
    return names[0] if names else f"{rate:g}"


def written(place: str, tables: str) -> str:
    """Return the document with the tables in the place of that name."""
    begin, end = f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
    before, _, rest = DOCUMENT.read_text(encoding="utf-8").partition(begin)
    return f"{before}{begin}\n{tables}{end}{rest.partition(end)[2]}"


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest", description=__doc__)
    parser.add_argument("--data", type=Path, help="a directory of daily series")
    parser.add_argument("--orgs", type=int, default=ORGS, help="simulated orgs of a year")
    parser.add_argument("--years", type=int, default=YEARS, help="simulated years")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help=f"into docs/{DOCUMENT.name}")
    given = parser.parse_args()
    if given.data:
        place, each = "real", list(backtest_series.read(given.data))
        if not each:
            parser.error(f"{given.data} has no CSV files")
    else:
        place = "simulated"
        each = [
            one for seed in range(given.years) for one in backtest_orgs.series(given.orgs, seed)
        ]
    found = results(each, workers=given.workers)
    tables = "\n".join(report(found, curve(each, workers=given.workers)))
    print(tables)  # noqa: T201 - what the program is for
    if given.write:
        DOCUMENT.write_text(written(place, tables), encoding="utf-8")


if __name__ == "__main__":
    main()
