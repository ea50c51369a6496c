from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.demo.data import calendar
from exporter.demo.data.calendar import Season

COUNTS = st.integers(0, 10**6)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31)).map(date.toordinal)
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Auckland"]).map(
    ZoneInfo
)
UTC = ZoneInfo("UTC")


def tuesday(year, month, day=10):
    first = date(year, month, day)
    return (first + timedelta(days=(1 - first.weekday()) % 7)).toordinal()


@given(count=COUNTS, weights=st.lists(st.floats(0.001, 1000), min_size=1, max_size=30))
def test_parts_add_up_to_what_was_split(count, weights):
    parts = calendar.split(count, weights)
    assert len(parts) == len(weights)
    assert sum(parts) == count
    assert min(parts) >= 0


@given(zone=ZONES, day=DAYS, first=st.floats(0, 24), second=st.floats(0, 24))
def test_a_day_goes_from_nothing_to_all_and_never_back(zone, day, first, second):
    earlier, later = (calendar.elapsed(zone, day, hours) for hours in sorted((first, second)))
    assert 0 <= earlier <= later <= 1
    assert calendar.elapsed(zone, day, 0) == 0
    assert calendar.elapsed(zone, day, 24) == pytest.approx(1)


def test_the_time_zone_moves_the_busy_hours_and_the_weekend():
    day = tuesday(2026, 5)
    at_noon = [
        calendar.elapsed(ZoneInfo(zone), day, 12.0)
        for zone in ("America/New_York", "UTC", "Asia/Tokyo")
    ]
    assert at_noon == sorted(at_noon)
    assert at_noon[0] < 0.4
    assert at_noon[2] > 0.6
    sunday = day - 2
    # In Auckland, most of a Sunday in UTC is Monday.
    auckland = calendar.activity(ZoneInfo("Pacific/Auckland"), sunday)
    assert auckland > 1.2 * calendar.activity(UTC, sunday)


def test_years_grow_and_summers_are_low():
    activity = calendar.activity
    assert activity(UTC, tuesday(2027, 2)) > activity(UTC, tuesday(2025, 2))
    assert 0.5 < activity(UTC, tuesday(2026, 7)) / activity(UTC, tuesday(2026, 5)) < 0.85
    enrolling = [activity(UTC, tuesday(2026, month), Season.ENROLLMENT) for month in (6, 9)]
    assert enrolling[1] > enrolling[0]


def test_breaks_halve_the_activity():
    assert list(calendar.breaks(2026, 2026))[1:] == [
        (date(2026, 4, 3), date(2026, 4, 9)),
        (date(2026, 12, 21), date(2026, 12, 31)),
    ]
    for inside in (tuesday(2026, 4, 3), tuesday(2026, 12, 22)):
        assert 0.4 < calendar.activity(UTC, inside) / calendar.activity(UTC, inside - 7) < 0.6
