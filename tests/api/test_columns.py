import math

from hypothesis import example, given
from hypothesis import strategies as st

from exporter.api.payloads.columns import (
    are_plain_ids,
    parse_dates,
    parse_names,
    parse_numbers,
    parse_required_numbers,
)
from exporter.api.payloads.values import (
    MAX_ID,
    MAX_NAME,
    MAX_VALUE,
    PayloadErrors,
    Reason,
    course_name,
    is_valid_id,
    parse_date,
    parse_number,
)

numbers = st.integers() | st.floats() | st.sampled_from([0, -0.0, MAX_VALUE, 2 * MAX_VALUE, -1])
unusual = st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(["12", "N/A", [], {}])
days = st.sampled_from(["2026-01-01", "2026-01-02T00:00:00Z", "2026-13-45", "", "never", "x" * 99])
ids = st.text(max_size=5) | st.sampled_from(
    ["course-v1:Acme+Bio101+2026", "a/b/c", ".", "..", " ", " . ", "bio\n", "é", "x" * (MAX_ID + 1)]
)

names = st.text(max_size=5) | st.sampled_from(["Biology 101", "x" * (MAX_NAME + 1), "\ud800"])


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
    together = parse_numbers(raw, errors)
    assert shown(together) == shown([parse_number(value, counted) for value in raw])
    assert errors == counted


@given(raw=st.lists(numbers) | st.lists(numbers | unusual))
def test_required_numbers_are_the_same_and_each_unknown_one_is_counted(raw):
    errors = PayloadErrors()
    values = parse_required_numbers(raw, errors)
    assert shown(values) == shown(parse_numbers(raw, PayloadErrors()))
    assert errors[Reason.VALUE] == values.count(None)


@given(raw=st.lists(days) | st.lists(days | unusual))
def test_dates_of_a_column_are_what_each_would_be(raw):
    assert list(parse_dates(raw)) == list(map(parse_date, raw))


def test_a_column_of_days_too_long_for_the_cache_is_parsed_all_the_same():
    assert set(parse_dates(["2026-01-01"] * 1000)) == {parse_date("2026-01-01")}


@given(raw=st.lists(names) | st.lists(names | unusual))
def test_names_of_a_column_are_what_each_would_be(raw):
    assert parse_names(raw) == list(map(course_name, raw))


@given(course_ids=st.lists(ids | unusual))
def test_ids_are_plain_only_if_each_is_usable(course_ids):
    if are_plain_ids(course_ids):
        assert all(map(is_valid_id, course_ids))


def test_ids_as_courses_have_them_are_plain():
    assert are_plain_ids(["course-v1:Acme+Bio101+2026", "Acme/Art/Spring"])
