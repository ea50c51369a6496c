import math

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.api.payloads.columns import (
    all_plain,
    dates_of,
    numbers_of,
    required_numbers_of,
)
from exporter.api.payloads.values import (
    MAX_ID,
    MAX_VALUE,
    PayloadErrors,
    Reason,
    date_of,
    number_of,
    usable,
)

numbers = st.integers() | st.floats() | st.sampled_from([0, -0.0, MAX_VALUE, 2 * MAX_VALUE, -1])
unusual = st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(["12", "N/A", [], {}])
days = st.sampled_from(["2026-01-01", "2026-01-02T00:00:00Z", "2026-13-45", "", "never", "x" * 99])
ids = st.text(max_size=5) | st.sampled_from(
    ["course-v1:Acme+Bio101+2026", "a/b/c", ".", "..", " ", " . ", "bio\n", "é", "x" * (MAX_ID + 1)]
)


def shown(values):
    """Return values as they print, since NaN equals nothing and -0.0 too much."""
    return list(map(repr, values))


@given(raw=st.lists(numbers) | st.lists(numbers | unusual))
@example(raw=[1.0, math.nan])
@example(raw=[math.nan, 1.0])
@example(raw=[1.0, math.inf])
@example(raw=[10**400, 1])
def test_numbers_of_a_column_are_what_each_would_be(raw):
    errors, counted = PayloadErrors(), PayloadErrors()
    together = numbers_of(raw, errors)
    assert shown(together) == shown([number_of(value, counted) for value in raw])
    assert errors == counted


@given(raw=st.lists(numbers) | st.lists(numbers | unusual))
def test_required_numbers_are_the_same_and_each_unknown_one_is_counted(raw):
    errors = PayloadErrors()
    values = required_numbers_of(raw, errors)
    assert shown(values) == shown(numbers_of(raw, PayloadErrors()))
    assert errors[Reason.VALUE] == values.count(None)


@given(raw=st.lists(days) | st.lists(days | unusual))
def test_dates_of_a_column_are_what_each_would_be(raw):
    assert list(dates_of(raw)) == list(map(date_of, raw))


def test_a_column_of_days_too_long_for_the_cache_is_parsed_all_the_same():
    assert set(dates_of(["2026-01-01"] * 1000)) == {date_of("2026-01-01")}


@given(course_ids=st.lists(ids | unusual))
def test_ids_are_plain_only_if_each_is_usable(course_ids):
    if all_plain(course_ids):
        assert all(map(usable, course_ids))


def test_ids_as_courses_have_them_are_plain():
    assert all_plain(["course-v1:Acme+Bio101+2026", "Acme/Art/Spring"])
