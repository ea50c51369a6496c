"""What the constants would find in data they were not chosen on.

`python -m benchmarks.backtest_left_out --data DIR`: each source of a directory of daily series is
left out once. The best of 27 sets of constants is chosen on the others and evaluated on it. The
best set finds the most drops on values of 50 and more, less a twentieth for each false alert per
figure and year. `--write` puts the table into docs/expected-ranges.md.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import log
from multiprocessing import get_context
from pathlib import Path

from benchmarks.backtest import DOCUMENT, HEAD, JUDGED, row, table, written
from benchmarks.backtest_methods import Expected
from benchmarks.backtest_score import Result, Scores, scores
from benchmarks.backtest_series import Series, read
from exporter.history import expected

ALERT = 1 / 20
"""Share of drops found that one false alert per figure and year must be worth."""

_TRIED = {
    "_EACH": [log(1 / share) for share in (0.7, 0.72, 0.75)],
    "_TOGETHER": [log(1 / share) for share in (0.62, 0.65, 0.68)],
    "_ALONE": [log(1 / share) for share in (0.05, 0.1, 0.25)],
}
SETS = [dict(zip(_TRIED, values, strict=True)) for values in product(*_TRIED.values())]


class Evaluation:
    """Evaluates series with a set of constants. One process can hold one set at a time."""

    def __init__(self, each: Sequence[Series]) -> None:
        self._each = each

    def __call__(self, constants: dict[str, float]) -> list[Scores]:
        """Return the scores of all series."""
        for name, value in constants.items():
            setattr(expected, name, value)
        return [scores(Expected(), one) for one in self._each]


def worth(result: Result) -> float:
    """Return how good a result is."""
    found, count = result.found(JUDGED)
    return found / max(count, 1) - ALERT * result.false_alerts


def chosen_without(source: str, of_sets: Sequence[Sequence[Scores]]) -> list[Scores]:
    """Return the scores of a source, with the constants that are best for the others."""

    def on(mine: Callable[[str], bool], every: Sequence[Scores]) -> list[Scores]:
        return [one for one in every if mine(one.series.org)]

    best = max(of_sets, key=lambda every: worth(Result(on(source.__ne__, every), 1)))
    return on(source.__eq__, best)


def report(of_sets: Sequence[Sequence[Scores]]) -> Iterator[str]:
    """Yield the lines of the table."""
    sources = sorted({one.series.org for one in of_sets[0]})
    left_out = {source: chosen_without(source, of_sets) for source in sources}
    total = [one for found in left_out.values() for one in found]
    rows = {**left_out, "all": total}
    yield from table(
        ("source left out", *HEAD), ((name, *row(Result(found, 1))) for name, found in rows.items())
    )
    every = [Result(each, 1) for each in of_sets]
    rates = [one.false_alerts for one in every]
    shares = [found / count for found, count in (one.found(JUDGED) for one in every)]
    yield (
        f"All {len(every)} sets of constants, on all sources: {min(rates):.2f} to {max(rates):.2f} "
        f"false alerts, {min(shares):.0%} to {max(shares):.0%} of drops found."
    )
    yield ""


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backtest_left_out")
    parser.add_argument("--data", type=Path, required=True, help="a directory of daily series")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help=f"into docs/{DOCUMENT.name}")
    given = parser.parse_args()
    evaluate = Evaluation(list(read(given.data)))
    with get_context("spawn").Pool(given.workers) as pool:
        tables = "\n".join(report(pool.map(evaluate, SETS, chunksize=1)))
    print(tables)  # noqa: T201 - what the program is for
    if given.write:
        DOCUMENT.write_text(written("left out", tables), encoding="utf-8")


if __name__ == "__main__":
    main()
