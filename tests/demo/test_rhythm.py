from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.demo import rhythm

COUNTS = st.integers(0, 10**6)


@given(count=COUNTS, until=st.floats(0.01, 24))
def test_the_hours_add_up_to_their_day_and_none_is_negative(count, until):
    hours = rhythm.by_hour(count, until=until)
    assert len(hours) == 24
    assert sum(hours) == count
    assert min(hours) >= 0
    assert not any(hours[int(until) + 1 :])


@given(count=COUNTS, weights=st.lists(st.floats(0.001, 1000), min_size=1, max_size=30))
def test_parts_add_up_to_what_was_split(count, weights):
    parts = rhythm.split(count, weights)
    assert len(parts) == len(weights)
    assert sum(parts) == count
    assert min(parts) >= 0


@given(first=st.floats(0, 24), second=st.floats(0, 24))
def test_a_day_goes_from_nothing_to_all_and_never_back(first, second):
    earlier, later = sorted((first, second))
    assert 0 <= rhythm.elapsed(earlier) <= rhythm.elapsed(later) <= 1
    assert (rhythm.elapsed(0), rhythm.elapsed(24)) == (0, pytest.approx(1))


def test_years_grow_and_breaks_are_dips():
    def tuesday(year, month):
        return next(
            date(year, month, day).toordinal()
            for day in range(10, 17)
            if date(year, month, day).weekday() == 1
        )

    assert rhythm.activity(tuesday(2027, 2)) > rhythm.activity(tuesday(2025, 2))
    assert 0.5 < rhythm.activity(tuesday(2026, 7)) / rhythm.activity(tuesday(2026, 5)) < 0.85
    assert rhythm.enrolling(tuesday(2026, 9)) > rhythm.enrolling(tuesday(2026, 6))
