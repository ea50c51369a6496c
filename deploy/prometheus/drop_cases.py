"""Unit tests of the drops: what each figure must tell, and what it must bear in silence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.prometheus.cases import (
    COLLECTORS,
    GAP,
    OTHER_INSTANCE,
    PER_HOUR,
    Case,
    Firing,
    Series,
    collapse,
    drop,
    figures,
    metric,
    over,
    steady,
    told,
    world,
)
from deploy.prometheus.drops import FIGURES, Figure

_USERS, _ENROLLMENTS, _VIDEOS, _MESSAGES, *_ = FIGURES
_SHORT = 4.0
_DAYS = 24.0
"""Hours of a case in which nothing changes, and of a day."""

_SCRAPE = 1 / PER_HOUR


@dataclass(frozen=True, slots=True)
class _Row:
    """An org in which nothing changes, and what is told of it."""

    org: str
    readings: Mapping[str, Any]
    firing: Firing = ()
    thresholds: Mapping[str, Any] = field(default_factory=dict)
    quiet: str = ""


def of_each_figure() -> Iterator[Case]:
    """Yield what holds for every figure alike; what is special about an org is its name."""
    for figure in FIGURES:
        series: Series = {}
        rows = tuple(_rows(figure))
        for row in rows:
            series |= world(_SHORT, org=row.org, collectors=(figure.collector,), **row.thresholds)
            series |= figures(figure, _SHORT, org=row.org, **row.readings)
            if row.quiet:
                name = metric(f"alert_quiet_{row.quiet}", org=row.org)
                series[name] = steady(1, hours=_SHORT)
        firing = [alert for row in rows for alert in row.firing]
        yield Case(figure.words, series, {2.5: (), 3.5: firing})


def _rows(figure: Figure) -> Iterator[_Row]:
    def tells(org: str, *windows: str, **readings: Any) -> _Row:
        return _Row(org, readings, [drop(figure, window, org=org) for window in windows])

    def collapses(org: str, window: str, **readings: Any) -> _Row:
        return _Row(org, readings, collapse(figure, window, org=org))

    yield tells("steady", day=97)
    yield tells("less, within bounds", day=65, week=400)
    yield tells("half of a day", "1d", day=50)
    yield tells("half of a week", "7d", day=97, week=300)
    yield tells("half of both", "1d", "7d", day=50, week=300)
    yield collapses("a tenth of a day", "1d", day=10)
    yield collapses("a tenth of a week", "7d", day=97, week=60)
    yield collapses("silence", "1d", day=0)
    yield tells("new: nothing is usual", day=0, usual_day=GAP, week=0, usual_week=GAP)
    yield tells("nothing known", day=GAP, week=GAP)
    yield tells("nothing, as ever", day=0, usual_day=0, week=0, usual_week=0)
    if figure.spread is not None:
        yield tells("tiny", day=4, usual_day=12, week=9, usual_week=19)
        yield tells("14 for 25, maybe chance", day=14, usual_day=25, week=14, usual_week=25)
    half, third = {"day": 50}, {"day": 260, "usual_day": 400}
    yield _Row("half of a quiet day", half, quiet="1d")
    yield _Row("half of a week with a quiet day", {"day": 97, "week": 300}, quiet="7d")
    org = "half of a day after a quiet one"
    yield _Row(org, half, [drop(figure, org=org)], quiet="7d")
    yield _Row("told from 60 %", half, thresholds={"drop_ratio": 0.6})
    org = "told from 30 %"
    yield _Row(org, third, [drop(figure, org=org)], thresholds={"drop_ratio": 0.3})
    yield _Row("told from 95 %", {"day": 10}, thresholds={"drop_ratio": 0.95})
    yield _Row("told from 5000", half, thresholds={"min_baseline": 5000})


def of_chance() -> Iterator[Case]:
    """Yield drops that may be chance, and the same when they are none."""
    once = figures(_USERS, 2 * _DAYS, day=over((24, _DAYS), (25, _DAYS)), usual_day=44)
    yield Case(
        "a drop that may be chance on one day is none on the second",
        world(2 * _DAYS) | once,
        {20: (), 40: (drop(_USERS),)},
    )
    together = figures(_USERS, 2 * _DAYS, day=over((34, _DAYS), (37, _DAYS)), usual_day=60)
    yield Case(
        "two days that are low enough only together",
        world(2 * _DAYS) | together,
        {20: (), 40: (drop(_USERS),)},
    )
    lowish = figures(_USERS, 2 * _DAYS, day=over((640, _DAYS), (630, _DAYS)), usual_day=1000)
    yield Case(
        "two days that are not low enough even together",
        world(2 * _DAYS) | lowish,
        {20: (), 40: ()},
    )
    recovered = figures(_USERS, 2 * _DAYS, day=over((4, _DAYS), (97, _DAYS)))
    yield Case(
        "a day as ever after one that was as good as lost",
        world(2 * _DAYS) | recovered,
        {20: collapse(_USERS), 40: ()},
    )
    beside_quiet = figures(_USERS, 2 * _DAYS, day=over((2, _DAYS), (25, _DAYS)), usual_day=44)
    beside_quiet[metric("alert_quiet_1d")] = over((1, _DAYS), (0, _DAYS))
    yield Case(
        "a quiet day is no evidence for the day after it",
        world(2 * _DAYS) | beside_quiet,
        {20: (), 40: ()},
    )
    rounding = figures(_MESSAGES, _SHORT, day=1, usual_day=2, week=1, usual_week=2)
    yield Case(
        "a mean of 1 where 2 is usual may be a rounding", world(_SHORT) | rounding, {3.5: ()}
    )
    few = figures(_MESSAGES, _SHORT, day=4, usual_day=9)
    few[metric("chat_sessions_1d")] = steady(15, hours=_SHORT)
    few[metric("chat_sessions_1d_baseline")] = steady(24, hours=_SHORT)
    yield Case("a low mean of a few sessions may be chance", world(_SHORT) | few, {3.5: ()})
    fewer = figures(_MESSAGES, _SHORT, day=1, usual_day=9)
    fewer[metric("chat_sessions_1d")] = steady(15, hours=_SHORT)
    fewer[metric("chat_sessions_1d_baseline")] = steady(19, hours=_SHORT)
    yield Case("a mean is not judged where sessions are few", world(_SHORT) | fewer, {3.5: ()})


def over_days() -> Iterator[Case]:
    """Yield what a weekend, a holiday and the end of a term look like."""
    yield Case(
        "a weekend, low as ever",
        world(4 * _DAYS)
        | figures(
            _USERS,
            4 * _DAYS,
            day=over((98, _DAYS), (31, _DAYS), (28, _DAYS), (101, _DAYS)),
            usual_day=over((100, _DAYS), (30, _DAYS), (33, _DAYS), (100, _DAYS)),
        ),
        dict.fromkeys((20, 44, 68, 92), ()),
    )
    holiday = world(3 * _DAYS) | figures(
        _USERS, 3 * _DAYS, day=over((99, _DAYS), (12, _DAYS + 2), (97, _DAYS - 2))
    )
    holiday[metric("alert_quiet_1d")] = over((0, _DAYS), (1, _DAYS), (0, _DAYS))
    yield Case(
        "a holiday whose figure is served for two hours more",
        holiday,
        dict.fromkeys((20, 30, 47, 49, 51, 53, 56, 70), ()),
    )
    yield Case(
        "a holiday that nobody told of is the drop that it is, and passes",
        world(3 * _DAYS)
        | figures(_VIDEOS, 3 * _DAYS, day=over((99, _DAYS), (30, _DAYS), (97, _DAYS))),
        {20: (), 46: (drop(_VIDEOS),), 70: ()},
    )
    term = world(4 * _DAYS) | figures(
        _USERS,
        4 * _DAYS,
        day=over((80, _DAYS), (70, _DAYS), (15, _DAYS), (9, _DAYS)),
        week=over((540, _DAYS), (520, _DAYS), (400, _DAYS), (320, _DAYS)),
    )
    for window in ("1d", "7d"):
        term[metric(f"alert_quiet_{window}")] = over((0, 2 * _DAYS), (1, 2 * _DAYS))
    yield Case(
        "the end of term, then a break that the calendar knows",
        term,
        dict.fromkeys((44, 68, 92), ()),
    )


def over_weeks() -> Iterator[Case]:
    """Yield a spike, a decline and a wave."""
    yield Case(
        "one spike a week ago",
        world(9 * _DAYS)
        | figures(
            _USERS,
            9 * _DAYS,
            day=over((100, _DAYS), (210, _DAYS), (100, 7 * _DAYS)),
            week=over((600, _DAYS), (710, 7 * _DAYS), (600, _DAYS)),
        ),
        {20: (), 44: (), 8 * _DAYS + 20: ()},
    )
    weeks = range(100, 79, -3)
    yield Case(
        "a slow decline, three per cent a day against what it was",
        world(len(weeks) * _DAYS)
        | figures(
            _USERS,
            len(weeks) * _DAYS,
            day=over(*((value, _DAYS) for value in weeks)),
            week=over(*((6 * value, _DAYS) for value in weeks)),
        ),
        {_DAYS * day + 20: () for day in range(len(weeks))},
    )
    yield from _waves()


def _waves() -> Iterator[Case]:
    month = 28 * _DAYS
    hours = month + _DAYS
    silent = "silence is no end"
    dropped = "a drop below what was before"
    after_a_break = "a drop after a long break"
    series: Series = {}
    for org, before, today, usual in (
        ("the end of a wave", 30, 33, 100),
        ("nothing was usual a month ago", GAP, 33, 100),
        (dropped, 100, 40, 104),
        (silent, 12, 0, 100),
    ):
        series |= world(hours, org=org, collectors=(_ENROLLMENTS.collector,))
        series[metric("enrollments_1d", org=org)] = over((before, month), (today, _DAYS))
        usually = over((before, month), (usual, _DAYS))
        series[metric("enrollments_1d_baseline", org=org)] = usually
    for org, week, day in (
        ("a wave that ebbed in the week before", 240, 97),
        ("a wave that was gone a week ago", 570, 33),
        (after_a_break, 570, 97),
    ):
        series |= world(hours, org=org, collectors=(_ENROLLMENTS.collector,))
        series |= figures(
            _ENROLLMENTS,
            hours,
            day=over((day, month), (33, _DAYS)),
            usual_day=over((GAP, month), (100, _DAYS)),
            week=week,
            usual_week=over((GAP, month - 10), (600, _DAYS + 10)),
            org=org,
        )
    firing = (
        drop(_ENROLLMENTS, org=dropped),
        drop(_ENROLLMENTS, org=after_a_break),
        *collapse(_ENROLLMENTS, org=silent),
    )
    yield Case("enrolments come in waves", series, {month - 12: (), hours - 4: firing})


def of_gaps() -> Iterator[Case]:
    """Yield missed scrapes and polls, stale figures, and exporters that come in pairs."""
    hours = 12.0
    users = metric("active_users_1d")
    halved = world(hours) | figures(_USERS, hours, day=50)
    well = world(hours) | figures(_USERS, hours, day=97)
    holes = over((50, 1), (GAP, _SCRAPE), (50, 1), (GAP, _SCRAPE), (50, hours - 2 - 2 * _SCRAPE))
    yield Case(
        "a scrape missed now and then", halved | {users: holes}, {2.5: (), 3.5: (drop(_USERS),)}
    )
    clock = f"0+600x6 0+0x0 4800+600x{round(hours * PER_HOUR) - 9}"
    restart = halved | {_last_success(collector): clock for collector in COLLECTORS}
    yield Case(
        "an exporter that restarts while a drop is not told yet",
        restart | {users: over((50, 1), (GAP, _SCRAPE), (50, 11 - _SCRAPE))},
        {2.5: (), 3.5: (drop(_USERS),)},
    )
    yield Case(
        "no polls for four hours, and all is well",
        well | {users: over((97, 4), (GAP, 4), (97, 4))},
        dict.fromkeys((3.5, 6, 8.5, 11.5), ()),
    )
    failing = {
        users: over((97, 2), (50, 10)),
        metric("collector_success", collector="active_users"): over((1, 1), (0, 11)),
        _last_success("active_users"): f"0+600x5 {steady(3600, hours=11)}",
    }
    yield Case(
        "a figure that is served although its collector fails",
        halved | failing,
        {5.5: (), 6.5: (), 7.5: (_stale("active_users"),)},
    )
    daily = {
        _last_success("active_users"): steady(600, hours=hours),
        users: over((97, 4), (50, 8)),
    }
    yield Case(
        "a figure that is read once a day, and was read well",
        halved | daily,
        {11.5: (drop(_USERS), _stale("active_users"))},
    )
    pair = halved | world(hours, instance=OTHER_INSTANCE)
    both = figures(_USERS, hours, day=50, instance=OTHER_INSTANCE)
    yield Case("a pair of exporters tells a drop once", pair | both, {3.5: (drop(_USERS),)})
    behind = figures(_USERS, hours, day=over((97, 2), (50, 10)), instance=OTHER_INSTANCE)
    yield Case(
        "a pair of exporters tells a drop when both have seen it",
        pair | behind,
        {3.5: (), 5.5: (drop(_USERS),)},
    )
    others = world(hours, org="globex") | figures(_USERS, hours, day=97, org="globex")
    yield Case("one org of two", halved | others, {3.5: (drop(_USERS),)})


def of_keeping() -> Iterator[Case]:
    """Yield what only a Prometheus that knows `keep_firing_for` can bear."""
    hours = 16.0
    users = metric("active_users_1d")
    halved = world(hours) | figures(_USERS, hours, day=50)
    yield Case(
        "no polls for four hours, in a drop that was told",
        halved | {users: over((50, 5), (GAP, 4), (50, 7))},
        dict.fromkeys((4.5, 8.5, 12.5, 15.5), (drop(_USERS),)),
    )
    yield Case(
        "a recovery is believed after six hours",
        halved | {users: over((50, 5), (97, 11))},
        {10.5: (drop(_USERS),), 11.5: ()},
    )


def _last_success(collector: str) -> str:
    return metric("collector_last_success_timestamp_seconds", collector=collector)


def _stale(collector: str) -> str:
    return told("IblaiDataStale", "warning", org="acme", collector=collector)
