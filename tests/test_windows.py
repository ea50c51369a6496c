"""Days and windows in any time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.windows import (
    WINDOWS,
    Span,
    local_date,
    next_midnight_of,
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


def test_a_span_contains_days_and_nothing_else():
    span = Span(date(2026, 1, 1), date(2026, 1, 3))
    assert "2026-01-02" not in span
    assert date(2026, 1, 3) in span
    assert date(2026, 1, 4) not in span


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", date(2026, 5, 5)),
        ("America/Los_Angeles", date(2026, 5, 4)),
        ("Pacific/Kiritimati", date(2026, 5, 5)),
    ],
)
def test_a_moment_has_the_date_of_its_zone(zone, day):
    moment = datetime(2026, 5, 5, 3, 30, tzinfo=UTC)
    assert local_date(moment, ZoneInfo(zone)) == day


@given(
    moment=st.datetimes(datetime(2012, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 # hypothesis adds the zone
    zone=zones,
)
def test_midnight_is_the_first_moment_of_the_next_date_in_any_zone(moment, zone):
    today = local_date(moment, zone)
    midnight = next_midnight_of(today, zone)
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
    day = local_date(datetime.fromisoformat(noon), ZoneInfo(zone))
    assert next_midnight_of(day, ZoneInfo(zone)) == datetime.fromisoformat(midnight)


@given(day=days, zone=zones)
def test_the_midnight_after_a_day_is_the_first_moment_of_the_next_one(day, zone):
    midnight = next_midnight_of(day, zone)
    assert local_date(midnight, zone) > day
    assert local_date(midnight - timedelta(microseconds=1), zone) <= day
