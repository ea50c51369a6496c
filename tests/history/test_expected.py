"""The expected range of a window follows the org's own history, and nothing else."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.history.expected import (
    REACH,
    SENSITIVITY,
    ExpectedRange,
    Kind,
    Reason,
    expected_range,
)

DAY = timedelta(days=1)
END = date(2025, 10, 15)  # a Wednesday
NORMAL = SENSITIVITY["normal"]
WEEK = (1.0, 1.1, 1.0, 0.9, 0.8, 0.5, 0.4)


def history(level=500.0, *, days=REACH, noise=0.05, week=WEEK, seed=1):
    """Return daily values before END that follow the week, with noise."""
    rng = Random(seed)
    return {
        day: float(round(level * week[day.weekday()] * (1 + rng.gauss(0, noise))))
        for day in (END - DAY * ago for ago in range(1, days + 1))
    }


def weekly(daily):
    """Return windows of seven days."""
    return {
        end: sum(daily[end - DAY * n] for n in range(7))
        for end in daily
        if all(end - DAY * n in daily for n in range(7))
    }


def judge(values, end=END, *, length=1, quiet=(), sensitivity=NORMAL, kind=Kind.COUNT):
    return expected_range(
        values,
        end,
        length=length,
        is_quiet=lambda day: day in quiet,
        sensitivity=sensitivity,
        kind=kind,
    )


lengths = st.sampled_from([1, 7])
kinds = st.sampled_from(list(Kind))
values = st.one_of(st.none(), st.integers(0, 5000).map(float))
histories = st.lists(values, min_size=0, max_size=REACH + 20).map(
    lambda days: {END - DAY * ago: value for ago, value in enumerate(days, 1)}
)


@settings(max_examples=60, deadline=None)
@given(histories, lengths, kinds, st.dictionaries(st.integers(0, 30), values, max_size=5))
def test_a_windows_own_value_and_later_ones_are_never_used(past, length, kind, later):
    own = past | {END + DAY * ahead: value for ahead, value in later.items()}
    assert judge(own, length=length, kind=kind) == judge(past, length=length, kind=kind)


@settings(max_examples=60, deadline=None)
@given(histories, lengths, kinds)
def test_whatever_the_history_a_bound_is_below_the_value_or_absent_for_a_reason(past, length, kind):
    found = judge(past, length=length, kind=kind)
    if found.reason is Reason.NONE:
        assert 0 < found.low < found.value
    else:
        assert found.low in {None, 1.0}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.01, 3.0, 1000.0]), lengths)
def test_the_size_of_a_sum_does_not_matter(seed, factor, length):
    seconds = history(90_000, seed=seed)
    scaled = {day: value * factor for day, value in seconds.items()}
    if length == 7:
        seconds, scaled = weekly(seconds), weekly(scaled)
    one, other = (judge(past, length=length, kind=Kind.SUM) for past in (seconds, scaled))
    assert other.value == pytest.approx(one.value * factor)
    assert other.low == pytest.approx(one.low * factor)


def test_the_size_of_a_large_count_hardly_matters():
    one, other = (judge(history(level, seed=3)) for level in (50_000, 500_000))
    assert other.low == pytest.approx(one.low * 10, rel=0.01)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), lengths, st.lists(st.floats(0.1, 20), min_size=2, max_size=5))
def test_a_higher_sensitivity_never_lowers_the_bound(seed, length, rates):
    daily = history(noise=0.15, seed=seed)
    past = daily if length == 1 else weekly(daily)
    lows = [judge(past, length=length, sensitivity=rate).low for rate in sorted(rates)]
    assert lows == sorted(lows)


def test_the_named_sensitivities_are_ordered():
    rates = [SENSITIVITY[name] for name in ("low", "normal", "high")]
    assert rates == sorted(set(rates))


def test_a_steady_org_is_expected_at_its_weekday():
    past = history(noise=0)
    for ahead in range(7):
        day = END + DAY * ahead
        found = judge(past, day)
        assert found.reason is Reason.NONE
        assert found.value == pytest.approx(500 * WEEK[day.weekday()], rel=0.02)


def test_the_level_of_recent_days_is_followed():
    past = history(noise=0)
    for ago in range(1, 11):
        past[END - DAY * ago] *= 0.7
    assert judge(past).value == pytest.approx(350, rel=0.03)


def test_one_day_is_too_low_only_if_hardly_anything_is_left():
    low = judge(history()).low
    assert 0.05 * 500 < low < 0.15 * 500


def test_two_days_that_are_half_of_what_is_expected_are_too_low():
    past = history()
    past[END - DAY] *= 0.5
    assert judge(past).low > 0.5 * 500
    assert judge(past).low < 0.7 * 500 * 1.1


def test_a_low_day_before_does_not_make_an_ordinary_day_too_low():
    past = history()
    past[END - DAY] = 0.0
    assert judge(past).low < 0.75 * 500


def test_a_day_that_is_a_little_low_changes_nothing_for_the_next():
    past = history()
    before = judge(past).low
    past[END - DAY] *= 0.8
    assert judge(past).low == pytest.approx(before, rel=0.1)


def test_figures_that_vary_more_have_a_lower_bound():
    def low_after_a_low_day(noise):
        past = history(noise=noise, seed=5)
        past[END - DAY] = 0.5 * 500 * WEEK[1]
        found = judge(past)
        return found.low / found.value

    assert low_after_a_low_day(0.22) < low_after_a_low_day(0.05)


def test_small_counts_have_a_lower_bound_than_large_ones():
    def low_after_a_low_day(level):
        past = history(level, noise=0)
        past[END - DAY] *= 0.5
        found = judge(past)
        return found.low / found.value

    assert low_after_a_low_day(20) < low_after_a_low_day(2000)


def test_values_on_quiet_days_and_beside_them_are_not_used():
    quiet = {END - DAY * ago for ago in (10, 11, 30)}
    past = history()
    other = dict(past)
    for ago in (9, 10, 11, 12, 29, 30, 31):
        other[END - DAY * ago] = 1.0
    assert judge(other, quiet=quiet) == judge(past, quiet=quiet)
    assert judge(other) != judge(past)


@pytest.mark.parametrize("apart", [-1, 0, 1])
def test_near_a_quiet_day_there_is_no_bound(apart):
    found = judge(history(), quiet={END + DAY * apart})
    assert found.reason is Reason.QUIET
    assert found.low is None
    assert found.value is not None


@pytest.mark.parametrize("apart", [-2, 2])
def test_two_days_from_a_quiet_day_there_is_a_bound(apart):
    assert judge(history(), quiet={END + DAY * apart}).reason is Reason.NONE


@pytest.mark.parametrize(("apart", "near"), [(2, False), (1, True), (-7, True), (-8, False)])
def test_a_window_that_touches_a_quiet_day_has_no_bound(apart, near):
    found = judge(weekly(history()), length=7, quiet={END + DAY * apart})
    assert (found.reason is Reason.QUIET) is near


@pytest.mark.parametrize("length", [1, 7])
def test_without_history_nothing_is_expected(length):
    assert judge({}, length=length) == ExpectedRange(None, None, Reason.HISTORY)


def test_a_day_has_a_bound_after_less_than_four_weeks():
    reasons = {days: judge(history(days=days)).reason for days in (7, 14, 20, 27)}
    assert reasons[7] is Reason.HISTORY
    assert reasons[14] is Reason.HISTORY
    assert reasons[27] is Reason.NONE


def test_seven_days_have_a_bound_after_nine_weeks():
    reasons = [judge(weekly(history(days=days)), length=7).reason for days in (21, 42, 63, 119)]
    assert reasons == [Reason.HISTORY, Reason.HISTORY, Reason.NONE, Reason.NONE]


def test_a_break_that_is_quiet_does_not_erase_what_was_known_before():
    quiet = {END - DAY * ago for ago in range(12, 80)}
    past = history()
    for day in quiet:
        past[day] = 3.0
    found = judge(past, quiet=quiet)
    assert found.reason is Reason.NONE
    assert found.value == pytest.approx(500, rel=0.1)


def test_windows_of_unique_users_need_only_one_value_a_week():
    weeks = weekly(history())
    sparse = {end: value for end, value in weeks.items() if (END - end).days % 7 == 0}
    assert judge(sparse, length=7) == judge(weeks, length=7)
    assert judge(sparse, length=7).reason is Reason.NONE


def test_seven_days_at_half_of_the_week_before_are_too_low():
    found = judge(weekly(history()), length=7)
    assert 0.5 * found.value < found.low < 0.7 * found.value


def test_the_end_of_a_single_busy_week_is_no_drop():
    weeks = weekly(history(noise=0))
    usual = judge(weeks, length=7)
    busy = {end: value * (3 if (END - end).days == 7 else 1) for end, value in weeks.items()}
    assert judge(busy, length=7).low <= usual.low * 1.01


def test_a_decline_over_weeks_is_followed():
    weeks = weekly(history(noise=0))
    falling = {end: value * 1.15 ** ((END - end).days / 7) for end, value in weeks.items()}
    assert judge(falling, length=7).low < 0.85 * next(iter(weeks.values()))


def test_values_without_a_pattern_have_neither_value_nor_bound():
    rng = Random(2)
    past = {day: float(rng.choice((3, 20, 150, 900))) for day in history()}
    past[END - DAY * 14] = 3.0
    assert judge(past) == ExpectedRange(None, None, Reason.PATTERN)


def test_zero_is_too_low_even_without_a_pattern_if_it_never_was_close_to_it():
    rng = Random(2)
    past = {day: float(rng.choice((30, 100, 400, 900))) for day in history()}
    assert judge(past) == ExpectedRange(None, 1.0, Reason.PATTERN)
    past[END - DAY * 7] = 0.0
    assert judge(past) == ExpectedRange(None, None, Reason.PATTERN)


def test_without_a_pattern_0_is_plausible_after_one_on_any_weekday_but_those_that_always_are():
    rng = Random(2)
    past = {day: float(rng.choice((30, 100, 400, 900))) for day in history()}
    for ago in range(4, REACH, 7):
        past[END - DAY * ago] = 0.0
    assert judge(past) == ExpectedRange(None, 1.0, Reason.PATTERN)
    past[END - DAY * 10] = 0.0
    assert judge(past) == ExpectedRange(None, None, Reason.PATTERN)


def test_zero_is_too_low_wherever_there_is_a_bound():
    assert judge(history()).low > 0
    assert judge(history(12, noise=0, week=(1,) * 7)).low > 0


def test_a_figure_that_is_always_zero_is_expected_to_be_so():
    past = dict.fromkeys(history(), 0.0)
    for kind in (Kind.COUNT, Kind.SUM):
        assert judge(past, kind=kind) == ExpectedRange(0.0, None, Reason.VOLUME)


def test_small_counts_have_no_bound():
    found = judge(history(6, noise=0, week=(1,) * 7))
    assert found.reason is Reason.VOLUME
    assert found.low is None
    assert found.value == pytest.approx(6)


def test_a_weekday_on_which_nothing_happens_has_no_bound_and_widens_no_other():
    closed = (1, 1, 1, 1, 1, 0, 0)
    past = history(week=closed)
    sunday = END + DAY * 4
    assert judge(past, sunday) == ExpectedRange(0.0, None, Reason.VOLUME)
    rng = Random(4)
    odd = {
        day: float(rng.choice((0, 0, 0, 9))) if value < 20 else value for day, value in past.items()
    }
    assert judge(odd) == judge(past)


def test_unknown_days_are_left_out():
    past = history(noise=0)
    for ago in (1, 3, 7, 8, 20):
        past[END - DAY * ago] = None
    assert judge(past).value == pytest.approx(500, rel=0.02)
    assert judge(past).reason is Reason.NONE


def test_a_step_of_one_in_a_rounded_average_is_no_drop():
    past = dict.fromkeys(history(), 2.0)
    past[END - DAY] = 1.0
    found = judge(past, kind=Kind.AVERAGE)
    assert found.reason is Reason.NONE
    assert found.low <= 1.0


def test_an_average_that_halves_for_two_days_is_too_low():
    past = dict.fromkeys(history(), 6.0)
    past[END - DAY] = 3.0
    assert judge(past, kind=Kind.AVERAGE).low > 3.0


def test_an_average_of_few_sessions_has_no_usable_pattern():
    rng = Random(6)
    past = {day: float(max(round(5 * (1 + rng.gauss(0, 0.4))), 1)) for day in history()}
    assert judge(past, kind=Kind.AVERAGE) == ExpectedRange(None, None, Reason.PATTERN)


def test_a_drop_by_half_is_too_low_from_its_second_to_its_tenth_day():
    past = history()
    days = set()
    for number in range(1, 15):
        day = END + DAY * (number - 1)
        past[day] = 500 * WEEK[day.weekday()] / 2
        windows = {1: past, 7: weekly(past)}
        if any(own[day] < judge(own, day, length=length).low for length, own in windows.items()):
            days.add(number)
    assert days == set(range(2, 11))
