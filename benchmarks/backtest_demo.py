"""Years of the orgs of `iblai-exporter demo`, with drops as its `--drop` makes them.

A second source of orgs for the backtest, written for another purpose: two breaks a year, a level
that moves slowly, terms that come and go slowly. A drop is of all figures at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
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
from exporter.demo.data import drop as simulated
from exporter.demo.data.calendar import breaks
from exporter.demo.data.org import Event, OrgData
from exporter.demo.data.org_view import OrgView
from exporter.demo.university import University
from exporter.windows import Span

_DAY = timedelta(days=1)
_QUIET = frozenset(
    day
    for first, last in breaks(days().first.year - 1, days().last.year)
    for day in Span(first - _DAY, last + _DAY)
)
"""The days of breaks, and those beside them."""

Pieces = Sequence[tuple[OrgView, range]]
"""Days by the view that shows them, in order."""


def orgs(count: int, seed: int) -> Iterator[Org]:
    """Yield a year of each of `count` orgs."""
    founded = University(seed, count)
    for org in founded.orgs:
        rng = Random(f"{seed} {org.key}")  # noqa: S311 - repeatable, not secret
        drops = tuple(replace(drop, figures=FIGURES) for drop in injected(rng, _QUIET))
        yield _lived(tuple(_pieces(founded.data(org.key), drops)), drops)


def _pieces(data: OrgData, drops: Sequence[Drop]) -> Iterator[tuple[OrgView, range]]:
    known = days()
    usual = OrgView.at(data, datetime.combine(known.last + _DAY, time(), UTC))
    start, stop = known.first.toordinal(), known.last.toordinal() + 1
    for drop in sorted(drops, key=lambda one: one.span.first):
        first, after = drop.span.first.toordinal(), drop.span.last.toordinal() + 1
        yield usual, range(start, first)
        fallen = simulated.Drop(data.key, len(drop.span), drop.fraction)
        moment = datetime.combine(drop.span.last + _DAY, time(), UTC)
        yield OrgView.at(data, moment, drops=(fallen,)), range(first, after)
        start = after
    yield usual, range(start, stop)


def _lived(pieces: Pieces, drops: tuple[Drop, ...]) -> Org:
    there = dict(
        zip(days(), (view.learners((day,)) for view, span in pieces for day in span), strict=True)
    )
    chats = [view.chats(span) for view, span in pieces]
    held = [count for each in chats for count in each.sessions]
    said = [count for each in chats for count in each.messages]
    averages = [
        round(total / count) if count else None for count, total in zip(held, said, strict=True)
    ]
    daily: dict[str, Days] = {
        ACTIVE: {day: who.bit_count() for day, who in there.items()},
        ENROLLED: _by_day(_counted(pieces, Event.ENROLLMENT)),
        WATCHED: _by_day(_counted(pieces, Event.VIDEO)),
        SESSIONS: _by_day(held),
        MESSAGES: _by_day(averages),
    }
    weekly = weekly_sums(daily)
    weekly[ACTIVE] = {
        span.last: reduce(or_, (there[day] for day in span)).bit_count() for span in weeks()
    }
    return Org(
        size=max(who.bit_count() for who in there.values()),
        quiet=_QUIET,
        odd=frozenset(),
        drops=drops,
        daily=daily,
        weekly=weekly,
        expected={},
    )


def _counted(pieces: Pieces, event: Event) -> list[int]:
    return [count for view, span in pieces for count in view.counts(event, span)]


def _by_day(values: Sequence[float | None]) -> Days:
    return dict(zip(days(), values, strict=True))
