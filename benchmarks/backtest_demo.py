"""Years of the orgs of `iblai-exporter demo`, with drops as its `--drop` makes them.

A second source of orgs for the backtest, written for another purpose: no holidays and no breaks,
little noise, terms that come and go slowly. A drop is of all figures at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from functools import reduce
from operator import or_
from random import Random

from benchmarks.backtest_orgs import (
    ACTIVE,
    ENROLLED,
    FIGURES,
    MESSAGES,
    SESSIONS,
    WATCHED,
    Days,
    Drop,
    Org,
    days,
    injected,
    weekly_sums,
    weeks,
)
from exporter.demo import university
from exporter.demo.campus import Campus, Figure
from exporter.demo.view import View

_DAY = timedelta(days=1)

Pieces = Sequence[tuple[View, range]]
"""Days by the view that shows them, in order."""


def orgs(count: int, seed: int) -> Iterator[Org]:
    """Yield a year of each of `count` orgs."""
    founded = university.University(seed, count)
    for org in founded.orgs:
        rng = Random(f"{seed} {org.key}")  # noqa: S311 - repeatable, not secret
        drops = tuple(replace(drop, figures=FIGURES) for drop in injected(rng, ()))
        yield _lived(tuple(_pieces(founded.campus(org.key), drops)), drops)


def _pieces(campus: Campus, drops: Sequence[Drop]) -> Iterator[tuple[View, range]]:
    known = days()
    usual = View.at(campus, datetime.combine(known.last + _DAY, time()))
    start, stop = known.first.toordinal(), known.last.toordinal() + 1
    for drop in sorted(drops, key=lambda one: one.span.first):
        first, after = drop.span.first.toordinal(), drop.span.last.toordinal() + 1
        yield usual, range(start, first)
        fallen = university.Drop(campus.key, len(drop.span), drop.fraction)
        moment = datetime.combine(drop.span.last + _DAY, time())
        yield View.at(campus, moment, drops=(fallen,)), range(first, after)
        start = after
    yield usual, range(start, stop)


def _lived(pieces: Pieces, drops: tuple[Drop, ...]) -> Org:
    there = dict(
        zip(days(), (view.reach((day,)) for view, span in pieces for day in span), strict=True)
    )
    held, said = (
        [count for view, span in pieces for count in view.chats(span)[which]] for which in (0, 1)
    )
    averages = [
        round(total / count) if count else None for count, total in zip(held, said, strict=True)
    ]
    daily: dict[str, Days] = {
        ACTIVE: {day: who.bit_count() for day, who in there.items()},
        ENROLLED: _by_day(_counted(pieces, Figure.ENROLLMENTS)),
        WATCHED: _by_day(_counted(pieces, Figure.VIDEOS)),
        SESSIONS: _by_day(held),
        MESSAGES: _by_day(averages),
    }
    weekly = weekly_sums(daily)
    weekly[ACTIVE] = {
        span.last: reduce(or_, (there[day] for day in span)).bit_count() for span in weeks()
    }
    return Org(
        size=max(who.bit_count() for who in there.values()),
        quiet=frozenset(),
        odd=frozenset(),
        drops=drops,
        daily=daily,
        weekly=weekly,
        expected={},
    )


def _counted(pieces: Pieces, figure: Figure) -> list[int]:
    return [count for view, span in pieces for count in view.counts(figure, span)]


def _by_day(values: Sequence[float | None]) -> Days:
    return dict(zip(days(), values, strict=True))
