from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.windows import (
    BASELINES,
    WINDOWS,
    Span,
    baseline_spans,
    history,
    local_date,
    next_midnight,
    single,
    total,
    usual,
    window,
)

DAY = timedelta(days=1)
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
zones = st.sampled_from(
    [
        "UTC",
        "America/New_York",
        "America/Havana",
        "America/Asuncion",
        "America/Nuuk",
        "America/St_Johns",
        "Africa/Cairo",
        "Africa/Casablanca",
        "Asia/Beirut",
        "Asia/Kathmandu",
        "Asia/Tehran",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Pacific/Chatham",
    ]
).map(ZoneInfo)


@given(today=days, length=st.sampled_from(sorted(WINDOWS.values())))
def test_a_window_is_its_number_of_complete_days_up_to_yesterday(today, length):
    span = window(length, today)
    assert len(span) == len(list(span)) == length
    assert span.last == today - DAY
    assert today not in span


@given(today=days, length=st.sampled_from(sorted(BASELINES.values())))
def test_a_baseline_covers_the_same_weekdays_in_each_of_the_four_weeks_before(today, length):
    now = window(length, today)
    spans = baseline_spans(length, today)
    assert [(now.first - span.first).days for span in spans] == [7, 14, 21, 28]
    for span in spans:
        assert [day.weekday() for day in span] == [day.weekday() for day in now]
        assert span.last < now.first


@given(today=days)
def test_one_range_of_history_holds_every_window_and_baseline_and_nothing_of_today(today):
    span = history(today)
    assert span == Span(today - timedelta(days=35), today - DAY)
    for length in WINDOWS.values():
        assert all(day in span for day in window(length, today))
    for length in BASELINES.values():
        assert all(day in span for past in baseline_spans(length, today) for day in past)


@pytest.mark.parametrize(
    ("today", "first", "last"),
    [
        (date(2026, 3, 1), date(2026, 2, 22), date(2026, 2, 28)),
        (date(2024, 3, 1), date(2024, 2, 23), date(2024, 2, 29)),
        (date(2026, 1, 1), date(2025, 12, 25), date(2025, 12, 31)),
        (date(2026, 1, 4), date(2025, 12, 28), date(2026, 1, 3)),
    ],
)
def test_a_week_crosses_the_ends_of_months_and_years(today, first, last):
    assert window(7, today) == Span(first, last)


def test_a_span_holds_days_and_nothing_else():
    span = Span(date(2026, 1, 1), date(2026, 1, 3))
    assert "2026-01-02" not in span
    assert date(2026, 1, 3) in span
    assert date(2026, 1, 4) not in span
    assert list(single(date(2026, 1, 1))) == [date(2026, 1, 1)]


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", date(2026, 5, 5)),
        ("America/Los_Angeles", date(2026, 5, 4)),
        ("Pacific/Kiritimati", date(2026, 5, 5)),
    ],
)
def test_one_moment_falls_on_the_date_that_its_zone_prints(zone, day):
    moment = datetime(2026, 5, 5, 3, 30, tzinfo=UTC)
    assert local_date(moment, ZoneInfo(zone)) == day


@given(
    moment=st.datetimes(datetime(2012, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 # hypothesis adds the zone
    zone=zones,
)
def test_midnight_is_the_first_moment_of_the_next_date_in_any_zone(moment, zone):
    midnight = next_midnight(moment, zone)
    today = local_date(moment, zone)
    assert moment < midnight <= moment + timedelta(hours=26)
    assert midnight.tzinfo is UTC
    assert local_date(midnight, zone) == today + DAY
    assert local_date(midnight - timedelta(microseconds=1), zone) == today


@pytest.mark.parametrize(
    ("zone", "noon", "midnight"),
    [
        # Clocks go from 00:00 to 01:00: the day begins when they do.
        ("America/Havana", "2026-03-07T17:00Z", "2026-03-08T05:00Z"),
        ("Africa/Cairo", "2026-04-23T10:00Z", "2026-04-23T22:00Z"),
        ("Asia/Beirut", "2026-03-28T10:00Z", "2026-03-28T22:00Z"),
        # Clocks go back from 01:00 to 00:00: midnight comes twice, the first begins the day.
        ("America/Havana", "2026-10-31T16:00Z", "2026-11-01T04:00Z"),
        # Clocks go back from 00:00 to 23:00: only what follows the repeated hour is midnight.
        ("Africa/Cairo", "2026-10-29T10:00Z", "2026-10-29T22:00Z"),
        ("Asia/Beirut", "2026-10-24T10:00Z", "2026-10-24T22:00Z"),
        # Days of 23 and 25 hours, and one that never was.
        ("America/New_York", "2026-03-08T17:00Z", "2026-03-09T04:00Z"),
        ("America/New_York", "2026-11-01T17:00Z", "2026-11-02T05:00Z"),
        ("Pacific/Apia", "2011-12-29T20:00Z", "2011-12-30T10:00Z"),
    ],
)
def test_midnight_is_right_where_the_clocks_skip_or_repeat_it(zone, noon, midnight):
    moment = datetime.fromisoformat(noon)
    assert next_midnight(moment, ZoneInfo(zone)) == datetime.fromisoformat(midnight)


@given(
    span=st.builds(
        lambda first, length: Span(first, first + timedelta(days=length)), days, st.integers(0, 40)
    ),
    data=st.data(),
)
def test_one_unknown_day_makes_a_window_unknown(span, data):
    values = {day: float(number) for number, day in enumerate(span)}
    assert total(values, span) == sum(values.values())
    day = data.draw(st.sampled_from(list(span)))
    assert total({**values, day: None}, span) is None
    assert total({other: value for other, value in values.items() if other != day}, span) is None


def test_days_outside_the_span_do_not_count():
    span = single(date(2026, 1, 2))
    around = {date(2026, 1, 1): 5.0, date(2026, 1, 2): 0.0, date(2026, 1, 3): None}
    assert total(around, span) == 0


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=4))
def test_a_baseline_needs_three_known_weeks_and_lies_among_them(values):
    known = [value for value in values if value is not None]
    baseline = usual(values)
    assert baseline is None if len(known) < 3 else min(known) <= baseline <= max(known)


def test_a_baseline_is_the_median_so_one_odd_week_does_not_move_it_far():
    assert usual([100, 104, 0, 96]) == 98
    assert usual([100, None, 0, 96]) == 96
    assert usual([100, None, None, 96]) is None
