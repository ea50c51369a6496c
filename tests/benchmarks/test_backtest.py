"""The backtest counts what it says, and the expected range does well in it."""

import sys
from datetime import date, timedelta
from statistics import median

import pytest

from benchmarks import backtest, backtest_orgs
from benchmarks.backtest_methods import (
    Ewma,
    Expected,
    LastWeek,
    Past,
    SeasonalHybridESD,
    VersionOne,
)
from benchmarks.backtest_score import Result, Scores, Trial, at_rate, scores
from benchmarks.backtest_series import DROPS, LENGTHS, Series, read, weekly_sums
from exporter.history.expected import Kind

DAY = timedelta(days=1)
FIRST = date(2025, 1, 6)


def steady(*, days=120, level=200, quiet=(), name="acme_users", kind=Kind.COUNT):
    daily = {FIRST + DAY * n: float(level + 10 * ((n * 7) % 5)) for n in range(days)}
    org, _, figure = name.partition("_")
    return Series(
        org=org,
        figure=figure,
        group=org,
        kind=kind,
        daily=daily,
        weekly=weekly_sums(daily),
        quiet=frozenset(quiet),
        scored=tuple(daily),
    )


def with_days(series, days):
    daily = {**series.daily, **days}
    return Series(
        org=series.org,
        figure=series.figure,
        group=series.group,
        kind=series.kind,
        daily=daily,
        weekly=weekly_sums(daily),
        quiet=series.quiet,
        scored=series.scored,
    )


def scored(days, *, series=None, trials=()):
    """Return scores of 1 on the days of these numbers and of 0 on the others."""
    series = series or steady()
    by_day = {day: float((day - FIRST).days in days) for day in series.scored}
    return Scores(series, by_day, trials)


@pytest.fixture
def directory(tmp_path):
    for name, scale in (("acme_users", 1), ("acme_hours", 0.35)):
        rows = ["date,value,quiet"]
        for number in range(150):
            day = FIRST + DAY * number
            value = "" if number == 40 else f"{(300 + 10 * (number * 3 % 7)) * scale}"
            rows.append(f"{day},{value},{int(number in (60, 61))}")
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "README.md").write_text("not a series")
    return tmp_path


def test_a_directory_of_daily_series_is_read(directory):
    hours, users = read(directory)
    assert (users.org, users.kind, hours.kind) == ("acme", Kind.COUNT, Kind.SUM)
    assert users.daily[FIRST + DAY * 40] is None
    assert users.quiet == {FIRST + DAY * 60, FIRST + DAY * 61}
    assert len(users.scored) == 149
    assert users.weekly[FIRST + DAY * 46] is None
    assert users.weekly[FIRST + DAY * 47] == sum(
        users.daily[FIRST + DAY * n] for n in range(41, 48)
    )


def test_drops_start_on_ordinary_days_and_halve_counts_by_chance(directory):
    hours, users = read(directory)
    assert len(users.drops) == DROPS
    assert {len(drop.values) for drop in users.drops} == set(LENGTHS)
    for drop in users.drops:
        assert not any(drop.first + DAY * n in users.quiet for n in (-1, 0, 1))
        assert 0.3 < drop.values[0] / users.daily[drop.first] < 0.7
    assert len({drop.values[0] / users.daily[drop.first] for drop in users.drops}) > 10
    for drop in hours.drops:
        assert drop.values[0] == hours.daily[drop.first] / 2


def test_a_drop_is_seen_in_the_windows_of_seven_days(directory):
    _, users = read(directory)
    drop = next(drop for drop in users.drops if len(drop.values) == 7)
    daily, weekly = users.dropped(drop)
    end = drop.first + DAY * 6
    if users.weekly[end] is not None:
        assert weekly[end] == pytest.approx(sum(daily[end - DAY * n] for n in range(7)))


def test_alerts_less_than_three_days_apart_are_one_episode():
    assert scored({10, 11, 13, 16}).episodes(1) == [FIRST + DAY * 10, FIRST + DAY * 16]


def test_false_alerts_are_counted_per_year_of_known_days():
    result = Result([scored({10, 50}), scored({10})], 1)
    assert result.false_alerts == pytest.approx(3 / (240 / 365))


def test_figures_of_an_org_that_fire_together_are_one_incident():
    other = steady(name="acme_videos")
    result = Result([scored({10, 50}), scored({11}, series=other)], 1)
    assert result.incidents == pytest.approx(2 / (120 / 365))


def test_drops_on_days_that_are_not_judged_count_as_not_found():
    trials = (Trial(80, 1.0), Trial(80, 0.0), Trial(80, None), Trial(30, 1.0))
    result = Result([scored(set(), trials=trials)], 1)
    assert result.found(50) == (1, 3)
    assert result.found(20, 50) == (1, 1)


def test_days_without_a_score_are_not_judged():
    series = steady()
    by_day = {day: None if number < 30 else 0.0 for number, day in enumerate(series.scored)}
    assert Result([Scores(series, by_day)], 1).unjudged == 0.25


def test_a_threshold_is_found_for_a_rate_of_false_alerts():
    series = steady()
    by_day = {day: float(number) for number, day in enumerate(series.scored)}
    few = at_rate([Scores(series, by_day)], 4)
    assert few.false_alerts == pytest.approx(365 / 120)
    assert at_rate([Scores(series, by_day)], 1).false_alerts == 0


@pytest.mark.parametrize(
    ("method", "threshold"),
    [
        (Expected(), 1),
        (VersionOne(), 1),
        (LastWeek(), 1 / 0.6),
        (SeasonalHybridESD(), 6),
        (Ewma(), 6),
    ],
)
def test_every_method_fires_on_two_days_at_a_third_and_not_on_ordinary_ones(method, threshold):
    series = steady(days=150)
    low = {FIRST + DAY * n: 70.0 for n in (120, 121)}
    fallen = with_days(series, low)

    def fires(of, day):
        score = method.score(Past(of, of.daily, of.weekly, of.quiet), day)
        return score is not None and score >= threshold

    assert fires(fallen, FIRST + DAY * 121)
    assert not any(fires(series, FIRST + DAY * n) for n in range(60, 150))


@pytest.mark.parametrize(
    "method", [Expected(), VersionOne(), LastWeek(), SeasonalHybridESD(), Ewma()]
)
def test_no_method_judges_a_quiet_day(method):
    quiet = FIRST + DAY * 100
    series = steady(quiet={quiet})
    assert method.score(Past(series, series.daily, series.weekly, series.quiet), quiet) is None


def test_simulated_years_have_every_figure_and_are_the_same_each_time():
    one, again = (list(backtest_orgs.series(3, seed=7)) for _ in range(2))
    assert [series.figure for series in one[:8]] == list(backtest_orgs.FIGURES)
    assert {series.group for series in one} == {"learning", "campus", "steady"}
    assert [series.daily for series in one] == [series.daily for series in again]


def test_simulated_years_move_as_real_ones_do():
    """Levels move slowly on learning platforms, and people leave before a break on campuses."""
    users = {s.group: s for s in backtest_orgs.series(3, seed=1) if s.figure == "active_users"}
    weekends = {
        group: sum(v for d, v in s.daily.items() if d.weekday() > 4 and d not in s.quiet)
        / sum(v for d, v in s.daily.items() if d.weekday() < 5 and d not in s.quiet)
        for group, s in users.items()
    }
    assert weekends["campus"] < 0.2 < weekends["learning"]
    campus = users["campus"]
    before = date(2025, 11, 25)
    others = [
        campus.daily[day] for n in range(1, 6) if (day := before - DAY * 7 * n) not in campus.quiet
    ]
    assert campus.daily[before] < 0.7 * median(others)


def test_the_expected_range_keeps_its_rates_on_simulated_years():
    """A small evaluation: clearly more false alerts, or clearly fewer drops found, fail it."""
    figures = {"active_users", "video_completions", "time_spent_seconds"}
    each = [one for one in backtest_orgs.series(6, seed=101) if one.figure in figures]
    result = Result([scores(Expected(), one) for one in each], 1)
    found, drops = result.found(backtest.JUDGED)
    assert result.false_alerts <= 1.0
    assert found / drops >= 0.82
    assert result.unjudged <= 0.25


def test_the_backtest_prints_its_tables(directory, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["backtest", "--data", str(directory), "--workers", "1"])
    monkeypatch.setattr(backtest, "CURVE", (1.5,))
    backtest.main()
    printed = capsys.readouterr().out
    assert printed.startswith("2 series, 0.8 years of known days.")
    for name in ("expected range", "version 1", "offset 1w", "seasonal hybrid ESD", "EWMA chart"):
        assert f"| {name}" in printed or name in printed
    assert "| 1.5 (`normal`) |" in printed


def test_an_empty_directory_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["backtest", "--data", str(tmp_path)])
    with pytest.raises(SystemExit):
        backtest.main()
    assert "no CSV files" in capsys.readouterr().err
