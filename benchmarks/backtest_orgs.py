"""Simulated years of engagement: what the backtest runs on without real data.

They have what real series have: a level that moves slowly, empty days before a break, days that
are odd for no known reason, courses that fade out, deadlines, and weekends that are busy on
learning platforms and quiet on campuses. Proportions follow public daily series of both kinds.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from benchmarks.backtest_series import Series, Values
from exporter.history.expected import REACH, Kind

FIGURES: Mapping[str, Kind] = {
    "active_users": Kind.COUNT,
    "enrollments": Kind.COUNT,
    "video_completions": Kind.COUNT,
    "chat_sessions": Kind.COUNT,
    "avg_messages_per_session": Kind.AVERAGE,
    "time_spent_seconds": Kind.SUM,
    "completions": Kind.COUNT,
    "conversations": Kind.COUNT,
}
YEAR = (date(2025, 1, 1), date(2025, 12, 31))
_DAY = timedelta(days=1)
_DAYS = [YEAR[0] + _DAY * n for n in range(-REACH, 365)]
_SHARE = {
    "active_users": 1.0,
    "enrollments": 0.1,
    "video_completions": 1.2,
    "chat_sessions": 0.4,
    "completions": 0.1,
    "conversations": 0.5,
}
"""Counts for each active user of a day."""

_CLUSTER = {"active_users": 1.0, "video_completions": 2.0}
"""Variance of a count as a multiple of its mean; 1.5 for the others."""

_SECONDS = 1500.0
_OUTAGE = 0.3
"""Chance of a day without any events in a year."""

_LONG = 10
"""Days of a break after which a term begins."""

_HOLIDAYS = ((1, 20), (2, 17), (5, 1), (5, 26), (6, 19), (7, 4), (9, 1), (10, 13), (11, 11))
_MANY = 200
"""From here on a count is close to normal."""

_WAVE = range(-6, 15)
"""Days from the start of a term on which more people enroll."""


@dataclass(frozen=True, slots=True)
class _Nature:
    """What distinguishes a kind of org."""

    weekend: tuple[float, float]
    """Share of a weekday that is left on a weekend."""

    drift: float
    """Standard deviation of the level that moves slowly."""

    own: float
    """Standard deviation of each figure on each day."""

    odd: int
    """Days of a year that are low for no known reason."""

    terms: bool


_NATURES = {
    "learning": _Nature((0.6, 0.8), 0.13, 0.08, 6, terms=False),
    "campus": _Nature((0.15, 0.4), 0.03, 0.09, 6, terms=True),
    "steady": _Nature((0.5, 0.9), 0.04, 0.06, 2, terms=False),
}


@dataclass(slots=True)
class _Plan:
    rng: Random
    nature: _Nature
    size: float
    breaks: list[tuple[date, date, float]] = field(default_factory=list)
    courses: list[tuple[int, int, float]] = field(default_factory=list)
    """First and last day and share of courses that start with many and fade out at the end."""

    deadlines: list[int] = field(default_factory=list)


def series(count: int, seed: int) -> Iterator[Series]:
    """Yield the series of `count` orgs of 30 to 3,000 active users a day, of each kind in turn."""
    kinds = list(_NATURES)
    for place in range(count):
        rng = Random(f"{seed} {place}")  # noqa: S311 - repeatable, not secret
        kind = kinds[place % len(kinds)]
        size = 30 * 10 ** (2 * (place // len(kinds) + rng.random()) / math.ceil(count / len(kinds)))
        plan = _planned(rng, _NATURES[kind], size)
        yield from _lived(plan, f"{kind} {seed}-{place}")


def _planned(rng: Random, nature: _Nature, size: float) -> _Plan:
    plan = _Plan(rng, nature, size)
    if nature.terms:
        shift = _DAY * rng.randint(-10, 10)
        plan.breaks = [
            (date(2024, 12, 20), date(2025, 1, 12), 0.1),
            (date(2025, 3, 10) + shift, date(2025, 3, 16) + shift, 0.2),
            (date(2025, 5, 24) + shift, date(2025, 8, 17) + shift, 0.25),
            (date(2025, 11, 26), date(2025, 11, 30), 0.15),
            (date(2025, 12, 19), date(2025, 12, 31), 0.1),
        ]
    else:
        plan.breaks = [
            (date(2024, 12, 24), date(2025, 1, 1), 0.4),
            (date(2025, 12, 24), date(2025, 12, 31), 0.4),
        ]
    for month, day in rng.sample(_HOLIDAYS, 5):
        plan.breaks.append((date(2025, month, day), date(2025, month, day), 0.3))
    first = 0
    while not nature.terms and first < len(_DAYS):
        length = rng.randint(40, 110)
        plan.courses.append((first, first + length, rng.uniform(0.1, 0.3)))
        first += rng.randint(30, 80)
    day = rng.randint(5, 20)
    while day < len(_DAYS):
        plan.deadlines.append(day)
        day += rng.randint(14, 35)
    return plan


def _lived(plan: _Plan, org: str) -> Iterator[Series]:
    busy = _busy(plan)
    daily: dict[str, dict[date, float | None]] = {}
    for figure in _SHARE:
        habit = math.exp(plan.rng.gauss(0, 0.3)) if figure != "active_users" else 1.0
        daily[figure] = _counted(plan, figure, [level * habit for level in busy])
    daily["avg_messages_per_session"] = _averages(plan, daily["chat_sessions"])
    daily["time_spent_seconds"] = _seconds(plan, daily["active_users"])
    quiet = frozenset(
        day for day in _DAYS for first, last, _ in plan.breaks if first <= day <= last
    )
    for figure, kind in FIGURES.items():
        yield Series(
            org=org,
            figure=figure,
            group=org.partition(" ")[0],
            kind=kind,
            daily=daily[figure],
            weekly=_weekly(plan, figure, daily),
            quiet=quiet,
            scored=tuple(day for day in _DAYS if YEAR[0] <= day and daily[figure][day] is not None),
        )


def _busy(plan: _Plan) -> list[float]:
    """Return the active users that each day has but for chance."""
    rng, nature = plan.rng, plan.nature
    weekend = rng.uniform(*nature.weekend)
    week = [rng.uniform(0.9, 1.1) for _ in range(5)] + [weekend, weekend * rng.uniform(0.8, 1.1)]
    growth = rng.uniform(-0.2, 0.4)
    odd: dict[int, float] = {}
    for _ in range(round(nature.odd * len(_DAYS) / 365)):
        first, share = rng.randrange(len(_DAYS)), rng.uniform(0.4, 0.9)
        odd |= {first + n: share for n in range(rng.choice((1, 1, 1, 2)))}
    if rng.random() < _OUTAGE:
        odd[rng.randrange(len(_DAYS))] = 0.0
    drift, levels = 0.0, []
    for number, day in enumerate(_DAYS):
        drift = 0.9 * drift + rng.gauss(0, nature.drift * math.sqrt(1 - 0.9**2))
        level = plan.size * week[day.weekday()] * (1 + growth * number / len(_DAYS))
        level *= math.exp(drift) * odd.get(number, 1.0)
        level *= math.prod(_around(day, *each) for each in plan.breaks)
        level *= 1 + sum(_course(number, *each) for each in plan.courses)
        levels.append(level)
    return levels


def _around(day: date, first: date, last: date, share: float) -> float:
    """Return what a break leaves of a day: people leave before it begins and come back late."""
    if first <= day <= last:
        return share
    before = (first - day).days if last > first else 0
    return {1: 0.45, 2: 0.8}.get(before, 0.8 if last > first and day == last + _DAY else 1.0)


def _course(number: int, first: int, last: int, share: float) -> float:
    """Return what a course adds: it starts at once and loses half its people in its last week."""
    if not first <= number <= last + 14:
        return 0.0
    return share * math.exp2(-max(number - last + 7, 0) / 7)


def _counted(plan: _Plan, figure: str, busy: list[float]) -> dict[date, float | None]:
    rng, counted = plan.rng, dict[date, float | None]()
    ends = [last for first, last, _ in plan.breaks if (last - first).days > _LONG]
    for number, day in enumerate(_DAYS):
        mean = busy[number] * _SHARE[figure] * math.exp(rng.gauss(0, plan.nature.own))
        if figure in {"completions", "video_completions"}:
            near = min((due - number for due in plan.deadlines if due >= number), default=99)
            mean *= 1 + (2.0 if figure == "completions" else 0.4) * math.exp(-near / 2)
        if figure == "enrollments" and plan.nature.terms:
            waves = [(day - end).days for end in ends if (day - end).days in _WAVE]
            mean *= 1 + sum(4 * math.exp(-(((at - 2) / 6) ** 2)) for at in waves)
        counted[day] = _count(rng, mean, _CLUSTER.get(figure, 1.5))
    return counted


def _averages(plan: _Plan, sessions: Values) -> dict[date, float | None]:
    """Return messages per session as the API gives them: whole numbers."""
    words = plan.rng.uniform(4, 9)
    averages: dict[date, float | None] = {}
    for day in _DAYS:
        held = sessions[day] or 0
        mean = words * math.exp(plan.rng.gauss(0, 0.04))
        chance = 1 + plan.rng.gauss(0, 0.9) / math.sqrt(max(held, 1))
        averages[day] = float(max(round(mean * chance), 1)) if held else None
    return averages


def _seconds(plan: _Plan, users: Values) -> dict[date, float | None]:
    seconds: dict[date, float | None] = {}
    for day in _DAYS:
        count = users[day] or 0
        chance = 1 + plan.rng.gauss(0, 1.0) / math.sqrt(max(count, 1))
        mean = count * _SECONDS * math.exp(plan.rng.gauss(0, plan.nature.own))
        seconds[day] = mean * max(chance, 0.1)
    return seconds


def _weekly(plan: _Plan, figure: str, daily: Mapping[str, Values]) -> dict[date, float | None]:
    """Return windows of seven days: unique users, weighted averages, sums."""
    people = 3.5 * plan.size
    weekly: dict[date, float | None] = {}
    for end in _DAYS[6:]:
        days = [end - _DAY * n for n in range(7)]
        values = [daily[figure][day] or 0 for day in days]
        if figure == "active_users":
            absent = math.prod(max(1 - value / people, 0) for value in values)
            weekly[end] = round(people * (1 - absent))
        elif figure == "avg_messages_per_session":
            held = [daily["chat_sessions"][day] or 0 for day in days]
            total = sum(v * n for v, n in zip(values, held, strict=True))
            weekly[end] = total / sum(held) if sum(held) else None
        else:
            weekly[end] = sum(values)
    return weekly


def _count(rng: Random, mean: float, cluster: float) -> int:
    """Return a count whose variance is `cluster` times its mean."""
    if mean <= 0:
        return 0
    if cluster > 1:
        mean = rng.gammavariate(mean / (cluster - 1), cluster - 1)
    if mean > _MANY:
        return max(round(rng.gauss(mean, math.sqrt(mean))), 0)
    left, count = math.exp(-mean), 0
    chance = rng.random()
    while chance > left:
        chance *= rng.random()
        count += 1
    return count
