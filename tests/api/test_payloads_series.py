"""Series with a total: learning series and costs by day."""

import json
import math
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.payloads import PayloadError, Reason, parse_costs, parse_daily
from exporter.windows import Span

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
SPAN = Span(FIRST, THIRD)


def daily(payload):
    return parse_daily(json.dumps(payload).encode())


def days_in(data, total, span=SPAN):
    """Return the values over a span, and the errors that show there."""
    series = daily({"data": data, "total": total})
    return list(series.days_in(span).values()), dict(series.errors_in(span))


def test_the_reference_s_own_series_is_parsed():
    series = daily({"data": {"2026-01-01": 3, "2026-01-02": None}, "total": 3})
    assert series.days == {FIRST: 3, SECOND: None}
    assert series.total == 3


@pytest.mark.parametrize(
    ("raw", "value", "errors"),
    [
        (3, 3, 0),
        (2.5, 2.5, 0),
        ("12", 12, 0),
        (" 1.5 ", 1.5, 0),
        ("1e3", 1000, 0),
        (0, 0, 0),
        (-0.0, 0, 0),
        (None, None, 1),
        ("N/A", None, 1),
        ("", None, 1),
        (-1, None, 1),
        (True, None, 1),
        ("many", None, 1),
        ("0x10", None, 1),
        ("1_000", None, 1),
        ("١٢", None, 1),
        (10**400, None, 1),
        (math.inf, None, 1),
        (math.nan, None, 1),
        ([1], None, 1),
        ({"value": 1}, None, 1),
    ],
)
def test_a_day_without_a_number_is_unknown_and_counted_and_never_0(raw, value, errors):
    series = daily({"data": {"2026-01-01": raw, "2026-01-02": 1}})
    assert series.days == {FIRST: value, SECOND: 1}
    assert series.errors[Reason.VALUE] == errors
    assert math.copysign(1, series.days[FIRST] or 0.0) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00+13:00",
        "2026-01-01T00:00:00-05:00",
        "2026-01-01T23:59:59.999+14:00",
        " 2026-01-01 ",
    ],
)
def test_a_day_is_the_date_as_printed(text):
    assert daily({"data": {text: 3}}).days == {FIRST: 3}


@pytest.mark.parametrize("text", ["2026-02-30", "01/02/2026", "20260101", "", "٢٠٢٦-01-01", "x"])
def test_a_day_that_is_no_date_is_counted_and_the_others_are_used(text):
    series = daily({"data": {text: 3, "2026-01-02": 1}})
    assert series.days == {SECOND: 1}
    assert series.errors == {Reason.DATE: 1}


def test_hours_of_one_day_are_added_up_and_one_unknown_makes_the_day_unknown():
    known = {"2026-01-01T00:00:00Z": 1, "2026-01-01T13:00:00Z": 2}
    assert daily({"data": known}).days == {FIRST: 3}
    unknown = {**known, "2026-01-01T14:00:00Z": None, "2026-01-02": 1}
    assert daily({"data": unknown}).days == {FIRST: None, SECOND: 1}


@pytest.mark.parametrize("again", ["T00:00:00Z", "T00:00:00", " 00:00", "T00:00:00.000+00:00"])
def test_a_day_that_appears_twice_counts_once_if_the_values_are_equal(again):
    series = daily({"data": {"2026-11-01": 14, f"2026-11-01{again}": 14}})
    assert (series.days, series.errors) == ({date(2026, 11, 1): 14}, {})


@pytest.mark.parametrize("other", [15, None, 0])
def test_a_day_that_appears_twice_with_different_values_is_unknown_and_counted(other):
    data = {"2026-11-01": 14, "2026-11-01T00:00:00Z": other, "2026-11-02": 1}
    series = daily({"data": data})
    assert series.days == {date(2026, 11, 1): None, date(2026, 11, 2): 1}
    assert series.errors[Reason.DATE] == 1


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"2026-01-01": None}},
        {"data": {"someday": 3}, "total": 3},
        {"data": [1]},
        {"data": "x"},
        {"data": {}, "total": 5},
        {"data": [], "total": 5},
        {"data": None, "total": 5},
        {"total": 5},
        {"detail": "no"},
        [],
        3,
    ],
)
def test_a_series_without_any_value_is_an_error(payload):
    with pytest.raises(PayloadError):
        daily(payload)


@pytest.mark.parametrize("data", [{}, None, []])
@pytest.mark.parametrize("total", [0, None])
def test_every_day_of_an_empty_series_is_unknown_and_no_error(data, total):
    """No day was returned, so none is known to be over as the platform counts."""
    assert days_in(data, total) == ([None, None, None], {})


# What a missing day is.


def test_a_day_missing_before_the_newest_is_0_if_the_others_add_up_to_the_total():
    assert days_in({"2026-01-03": 3}, 3) == ([0, 0, 3], {})
    assert days_in({"2026-01-01": 1, "2026-01-03": 3}, 4) == ([1, 0, 3], {})


@pytest.mark.parametrize("total", [5, 0, None])
def test_a_day_missing_before_the_newest_is_unknown_and_counted_otherwise(total):
    assert days_in({"2026-01-01": 1, "2026-01-03": 3}, total) == ([1, None, 3], {Reason.TOTAL: 1})


def test_the_newest_days_are_unknown_until_a_response_extends_beyond_them():
    """The platform is late, or excludes the end date: 0 would be a false drop."""
    late = {"2026-01-01": 5}
    assert days_in(late, 5) == ([5, None, None], {})
    assert days_in({**late, "2026-01-03": 27}, 32) == ([5, 0, 27], {})
    assert days_in({**late, "2026-01-02": 0, "2026-01-03": 27}, 32) == ([5, 0, 27], {})


def test_yesterday_is_known_from_a_response_that_extends_to_today():
    until_yesterday = Span(FIRST, SECOND)
    assert days_in({"2026-01-01": 5, "2026-01-03": 2}, 7, until_yesterday) == ([5, 0], {})


def test_without_a_missing_day_the_total_does_not_matter():
    full = {"2026-01-01": 1, "2026-01-02": 2, "2026-01-03": 3}
    for total in (6, 4, None):  # users that were active on two days count once in a total
        assert days_in(full, total) == ([1, 2, 3], {})


def test_a_missing_day_outside_the_range_is_no_error():
    series = {"2025-12-01": 9, "2026-01-01": 1, "2026-01-02": 2, "2026-01-03": 3}
    assert days_in(series, 100) == ([1, 2, 3], {})


def test_a_null_day_is_unknown_even_if_the_others_add_up():
    assert days_in({"2026-01-01": 3, "2026-01-02": None, "2026-01-03": 0}, 3)[0] == [3, None, 0]


def test_days_outside_the_range_are_ignored_but_may_be_in_the_total():
    for total in (3, 7):
        assert days_in({"2026-01-02": 3, "2026-02-01": 4}, total) == ([0, 3, 0], {})


def test_a_series_of_other_days_says_nothing_about_the_range():
    assert days_in({"2025-12-01": 4}, 4) == ([None, None, None], {})


def test_fractions_add_up_despite_rounding():
    assert days_in({"2026-01-01": 0.1, "2026-01-03": 0.2}, 0.3) == ([0.1, 0, 0.2], {})


@given(
    true=st.lists(st.integers(0, 50), min_size=7, max_size=7),
    returned=st.lists(st.booleans(), min_size=7, max_size=7),
)
def test_a_value_is_never_another_than_the_platform_s(true, returned):
    """Whichever days are left out, a day is its true value or unknown."""
    days = [FIRST + timedelta(days=n) for n in range(7)]
    data = {
        str(day): value for day, value, is_in in zip(days, true, returned, strict=True) if is_in
    }
    if not data and sum(true):
        return
    series = daily({"data": data, "total": sum(true)})
    for value, known in zip(true, series.days_in(Span(days[0], days[-1])).values(), strict=True):
        assert known in {value, None}


# Costs by day.


def costs(value, **days):
    overtime = [{"date": f"2026-01-0{day[1:]}", "value": cost} for day, cost in days.items()]
    return parse_costs(
        json.dumps({"metric": "total_costs", "value": value, "overtime": overtime}).encode()
    )


def test_money_is_text_or_a_number():
    series = costs("45.78900", d1="1.23000", d2=44.559)
    assert series.days == {FIRST: 1.23, SECOND: 44.559}
    assert series.total == 45.789


def test_a_missing_day_costs_0_if_the_others_add_up_but_for_rounding():
    assert list(costs("3.001", d1="1.50", d3="1.50").days_in(SPAN).values()) == [1.5, 0, 1.5]
    series = costs("3.10", d1="1.50", d3="1.50")
    assert list(series.days_in(SPAN).values()) == [1.5, None, 1.5]
    assert series.errors_in(SPAN) == {Reason.TOTAL: 1}


@pytest.mark.parametrize("value", [None, "", "N/A", "oops", -1])
@pytest.mark.parametrize("days", [{}, {"d1": None}, {"d1": 0, "d2": 0, "d3": 0}, {"d1": "2.5"}])
def test_a_null_value_makes_every_day_unknown(value, days):
    """The cost store was unreachable."""
    series = costs(value, **days)
    assert list(series.days_in(SPAN).values()) == [None, None, None]
    assert series.errors == {Reason.VALUE: 1}


def test_a_null_value_with_a_day_of_0_is_unknown_and_not_0():
    body = b'{"value": null, "overtime": [{"date": "2026-03-20", "value": 0}]}'
    day = date(2026, 3, 20)
    assert parse_costs(body).days_in(Span(day, day)) == {day: None}


def test_a_value_of_0_makes_every_day_0():
    assert list(costs("0.00000").days_in(SPAN).values()) == [0, 0, 0]
    assert list(costs(0, d1=0).days_in(SPAN).values()) == [0, 0, 0]


def test_the_newest_days_of_costs_are_unknown_too():
    assert list(costs("1.5", d1="1.5").days_in(SPAN).values()) == [1.5, None, None]


@pytest.mark.parametrize(
    "payload", [{}, {"overtime": {"a": 1}, "value": 1}, {"value": 1, "overtime": [1]}]
)
def test_what_is_no_series_of_costs_is_an_error(payload):
    with pytest.raises(PayloadError):
        parse_costs(json.dumps(payload).encode())
