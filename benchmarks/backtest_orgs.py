"""A simulated year of engagement, with drops at known dates: what the backtest is run on.

Orgs are of two kinds. Universities have terms, with long breaks between them; others are busy
all year. All have a weekly rhythm, holidays, growth, days that are odd for no known reason, and
counts that vary more than if each person came on their own. Enrolments come in waves at the
start of a term, and now and then in batches.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from exporter.windows import Span

ACTIVE, ENROLLED, WATCHED, SESSIONS, MESSAGES = FIGURES = (
    "active_users",
    "enrollments",
    "video_completions",
    "chat_sessions",
    "avg_messages_per_session",
)
YEAR = Span(date(2025, 1, 1), date(2025, 12, 31))
BEFORE = 70
"""Days before the year: four weeks that Prometheus remembers, and what their baselines are of."""

_SHARE = {ACTIVE: 1.0, ENROLLED: 0.06, WATCHED: 1.2, SESSIONS: 0.3}
"""Counts for each active user of a day."""

CLUSTER = {ACTIVE: 1.0, ENROLLED: 1.6, WATCHED: 2.0, SESSIONS: 1.3}
"""Variance of a count as a multiple of its mean."""

_SHARED, _OWN = 0.06, 0.08
SWAY = math.hypot(_SHARED, _OWN)
"""Standard deviation by which the mean of a day sways: what all figures share, what each has."""

SWAY_OF_MESSAGES = 0.04
SPREAD_OF_MESSAGES = 0.9
"""Standard deviation of the messages of a session, as a share of their mean."""

_FRACTIONS = (0.3, 0.5, 0.5, 0.7, 0.95)
"""Drops of a year, and how many days they are apart."""

_APART = 45
_UNIVERSITIES = 0.6
_EVERYWHERE = 0.3
"""Shares of orgs that have terms, and of drops that all figures share."""

_ODD = 3
_SNOW = 0.25
"""Days of a year that are a little low for no known reason, and those that are very low."""

_LONG_BREAK = 10
_WAVE = range(-6, 15)
"""Days of a break after which enrolments come in a wave, and days of the wave from its end."""

_MANY = 200
"""From here on a count is as good as normal."""

_WEEK = {
    "university": (1, 0.98, 0.97, 0.93, 0.75, 0.32, 0.42),
    "other": (1, 1, 0.97, 0.95, 0.85, 0.15, 0.15),
}
_HOLIDAYS = tuple(
    date(2025, *day)
    for day in ((1, 20), (2, 17), (5, 1), (5, 26), (6, 19), (7, 4), (9, 1), (10, 13), (11, 11))
)

Days = dict[date, float | None]


@dataclass(frozen=True, slots=True)
class Drop:
    """A fall of some figures by a fraction, which an alert should tell."""

    span: Span
    fraction: float
    figures: tuple[str, ...]

    def on(self, figure: str, day: date) -> float:
        """Return what is left of `figure` on `day`, as a share."""
        return 1 - self.fraction if figure in self.figures and day in self.span else 1.0


@dataclass(frozen=True, slots=True)
class Org:
    """One org: what was read of each figure by last day of the window, and what is true of it."""

    size: float
    """Active users on a busy day."""

    quiet: frozenset[date]
    """Breaks and holidays, as a calendar has them."""

    odd: frozenset[date]
    """Days on which engagement was lower for no known reason, all figures alike."""

    drops: tuple[Drop, ...]
    daily: Mapping[str, Days]
    weekly: Mapping[str, Days]
    expected: Mapping[str, Mapping[date, float]]
    """What a day would read of each figure but for chance, batches, odd days and drops."""


@dataclass(slots=True)
class _Plan:
    """What shapes an org's year."""

    rng: Random
    size: float
    kind: str
    breaks: list[tuple[Span, float]] = field(default_factory=list)
    odd: dict[date, float] = field(default_factory=dict)
    drops: list[Drop] = field(default_factory=list)

    @property
    def quiet(self) -> frozenset[date]:
        return frozenset(day for span, _ in self.breaks for day in span)


def orgs(count: int, seed: int) -> Iterator[Org]:
    """Yield `count` orgs of 10 to 10,000 active users a day, as many of each magnitude."""
    for place in range(count):
        rng = Random(f"{seed} {place}")  # noqa: S311 - repeatable, not secret
        size = 10 * 10 ** (3 * (place + rng.random()) / count)
        yield _lived(_plan(rng, size))


def days() -> Span:
    """Return the days that are known of an org: the year, and those before it."""
    return Span(YEAR.first - timedelta(days=BEFORE), YEAR.last)


def _plan(rng: Random, size: float) -> _Plan:
    plan = _Plan(rng, size, "university" if rng.random() < _UNIVERSITIES else "other")
    shift = timedelta(days=rng.randint(-14, 14))

    def away(
        share: float, first: tuple[int, ...], last: tuple[int, ...], by: timedelta = shift
    ) -> None:
        plan.breaks.append((Span(date(*first) + by, date(*last) + by), share))

    none = timedelta()
    if plan.kind == "university":
        away(0.2, (2024, 12, 21), (2025, 1, 4), none)
        away(0.3, (2025, 3, 10), (2025, 3, 16))
        away(0.35, (2025, 5, 17), (2025, 8, 24))
        away(0.25, (2025, 11, 27), (2025, 11, 30), none)
        away(0.2, (2025, 12, 20), (2025, 12, 31), none)
    else:
        away(0.15, (2024, 12, 24), (2025, 1, 1), none)
        away(0.15, (2025, 11, 27), (2025, 11, 28), none)
        away(0.15, (2025, 12, 24), (2025, 12, 31), none)
    plan.breaks += [(Span(day, day), 0.3) for day in rng.sample(_HOLIDAYS, 6)]
    known = list(days())
    plan.odd = {rng.choice(known): rng.uniform(0.6, 0.95) for _ in range(_ODD)}
    if rng.random() < _SNOW:
        plan.odd[rng.choice(known)] = 0.4
    plan.drops = list(injected(rng, plan.quiet))
    return plan


def injected(rng: Random, quiet: Collection[date]) -> Iterator[Drop]:
    """Yield a drop of each fraction on days that are not quiet, apart from each other."""
    days = [day for day in YEAR if day not in quiet][3:-16]
    rng.shuffle(days)
    fractions, firsts = list(_FRACTIONS), list[date]()
    for day in days:
        if not fractions:
            return
        if any(abs((day - first).days) < _APART for first in firsts):
            continue
        span = Span(day, day + timedelta(days=rng.choice((3, 7, 14)) - 1))
        figures = FIGURES if rng.random() < _EVERYWHERE else (rng.choice(FIGURES),)
        yield Drop(span, fractions.pop(0), figures)
        firsts.append(day)


def _lived(plan: _Plan) -> Org:
    rng, known = plan.rng, list(days())
    week = [share * rng.uniform(0.9, 1.1) for share in _WEEK[plan.kind]]
    growth = rng.uniform(-0.1, 0.3)
    habit = {figure: math.exp(rng.gauss(0, 0.3)) for figure in _SHARE}
    words = rng.uniform(3, 9)
    batches = {rng.choice(known): rng.uniform(2, 6) for _ in range(10)}
    daily: dict[str, Days] = {figure: {} for figure in FIGURES}
    expected: dict[str, dict[date, float]] = {figure: {} for figure in FIGURES}
    there: dict[date, float] = {}
    for number, day in enumerate(known):
        busy = plan.size * week[day.weekday()] * (1 + growth * number / len(known))
        busy *= math.prod(share for span, share in plan.breaks if day in span)
        luck = plan.odd.get(day, 1) * math.exp(rng.gauss(0, _SHARED))
        for figure, share in _SHARE.items():
            usual = busy * share * habit[figure]
            if figure == ENROLLED:
                usual *= _wave(plan, day)
            mean = usual * luck * math.exp(rng.gauss(0, _OWN))
            if figure == ENROLLED:
                mean *= batches.get(day, 1)
            mean *= math.prod(drop.on(figure, day) for drop in plan.drops)
            if figure == ACTIVE:
                there[day] = mean
            expected[figure][day] = usual
            daily[figure][day] = _count(rng, mean, CLUSTER[figure])
        expected[MESSAGES][day] = words
        mean = words * math.exp(rng.gauss(0, SWAY_OF_MESSAGES))
        mean *= math.prod(drop.on(MESSAGES, day) for drop in plan.drops)
        daily[MESSAGES][day] = _average(rng, mean, int(daily[SESSIONS][day] or 0))
    people = 3.5 * plan.size * (1 + max(growth, 0)) * habit[ACTIVE]
    weekly = weekly_sums(daily)
    weekly[ACTIVE] = _weekly_users(rng, {day: mean / people for day, mean in there.items()}, people)
    return Org(
        size=plan.size,
        quiet=plan.quiet,
        odd=frozenset(plan.odd),
        drops=tuple(plan.drops),
        daily=daily,
        weekly=weekly,
        expected=expected,
    )


def _wave(plan: _Plan, day: date) -> float:
    """Return by how much enrolments run high: for three weeks around the end of a long break."""
    ends = [
        span.last
        for span, _ in plan.breaks
        if len(span) > _LONG_BREAK and plan.kind == "university"
    ]
    since = [(day - end).days for end in ends]
    return 1 + 5 * max((math.exp(-(((at - 2) / 6) ** 2)) for at in since if at in _WAVE), default=0)


def weeks() -> Iterator[Span]:
    """Yield the seven days up to each day that has them."""
    return (Span(day - timedelta(days=6), day) for day in list(days())[6:])


def weekly_sums(daily: Mapping[str, Days]) -> dict[str, Days]:
    """Return the windows of seven days, of all but active users, who are unique in each."""
    weekly: dict[str, Days] = {figure: {} for figure in FIGURES}
    for span in weeks():
        day = span.last
        for figure in (ENROLLED, WATCHED, SESSIONS):
            weekly[figure][day] = sum(daily[figure][one] or 0 for one in span)
        sessions = weekly[SESSIONS][day]
        said = sum((daily[MESSAGES][one] or 0) * (daily[SESSIONS][one] or 0) for one in span)
        weekly[MESSAGES][day] = said / sessions if sessions else None
    return weekly


def _weekly_users(rng: Random, shares: Mapping[date, float], people: float) -> Days:
    absent = (math.prod(max(1 - shares[one], 0) for one in span) for span in weeks())
    return {
        span.last: _count(rng, people * (1 - away), CLUSTER[ACTIVE])
        for span, away in zip(weeks(), absent, strict=True)
    }


def _average(rng: Random, mean: float, sessions: int) -> float | None:
    """Return messages per session as the API gives it: a whole number."""
    if not sessions:
        return None
    return max(round(mean * (1 + rng.gauss(0, SPREAD_OF_MESSAGES) / math.sqrt(sessions))), 1)


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
