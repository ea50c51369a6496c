"""Daily values tell 0, unknown and not requested apart, whatever the order of updates."""

import math
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.history.series import MAX_DAYS, DailyValues
from exporter.windows import Span

MAY = [date(2026, 5, day) for day in range(1, 32)]

near = st.dates(date(2026, 1, 1), date(2026, 3, 1))
anywhere = st.dates()
values = st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)
updates = st.lists(st.dictionaries(near, values, max_size=10), max_size=8)


def test_zero_unknown_and_not_requested_are_three_things():
    days = DailyValues({MAY[0]: 0, MAY[1]: None, MAY[3]: 4})
    assert [days.get(day) for day in MAY[:5]] == [0, None, None, 4, None]
    assert [days.requested(day) for day in MAY[:5]] == [True, True, False, True, False]
    assert list(days.items()) == [(MAY[0], 0), (MAY[1], None), (MAY[3], 4)]
    assert len(days) == 3
    assert days.span == Span(MAY[0], MAY[3])


def test_a_span_is_covered_once_every_day_of_it_was_requested():
    days = DailyValues({MAY[0]: 0, MAY[1]: None, MAY[3]: 4})
    assert days.covers(Span(MAY[0], MAY[1]))
    assert not days.covers(Span(MAY[0], MAY[3]))
    assert not days.covers(Span(MAY[3], MAY[4]))
    days.update({MAY[2]: None})
    assert days.covers(Span(MAY[0], MAY[3]))


def test_a_total_needs_every_day():
    days = DailyValues({MAY[0]: 1, MAY[1]: 2.5, MAY[2]: None, MAY[4]: 0})
    assert days.total(Span(MAY[0], MAY[1])) == 3.5
    assert days.total(Span(MAY[0], MAY[2])) is None
    assert days.total(Span(MAY[3], MAY[4])) is None
    assert days.total(Span(MAY[4], MAY[4])) == 0
    assert days.total(Span(MAY[4], MAY[5])) is None


def test_an_update_overwrites_each_given_day_and_no_other():
    days = DailyValues({MAY[0]: 1, MAY[1]: 2})
    assert days.update({MAY[1]: None})
    assert list(days.items()) == [(MAY[0], 1), (MAY[1], None)]


@pytest.mark.parametrize("same", [{}, {MAY[0]: 1.0}, {MAY[1]: None}, {MAY[1]: math.nan}])
def test_an_update_with_what_is_known_changes_nothing(same):
    assert not DailyValues({MAY[0]: 1, MAY[1]: None}).update(same)


def test_a_day_requested_for_the_first_time_is_a_change_even_if_unknown():
    assert DailyValues({MAY[0]: 1}).update({MAY[1]: None})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_unknown(value):
    days = DailyValues({MAY[0]: value})
    assert days.get(MAY[0]) is None
    assert days.requested(MAY[0])


def test_days_far_apart_never_take_memory_for_those_between():
    days = DailyValues({date(1, 1, 1): 1, MAY[0]: 2})
    assert list(days.items()) == [(MAY[0], 2)]
    days.update({date(9999, 12, 31): 3})
    assert list(days.items()) == [(date(9999, 12, 31), 3)]
    assert not days.update({MAY[0]: 2})
    assert sys.getsizeof(days._values) < 1000


def test_what_was_stored_while_the_clock_was_ahead_can_be_dropped():
    days = DailyValues({MAY[0]: 1, MAY[1]: 2, date(2030, 1, 1): 9})
    days.drop_after(MAY[1])
    assert list(days.items()) == [(MAY[0], 1), (MAY[1], 2)]
    assert days.update({MAY[2]: 3})


def test_only_as_many_days_as_asked_for_are_kept():
    days = DailyValues()
    days.update(dict.fromkeys(MAY, 1), keep=7)
    assert days.span == Span(MAY[-7], MAY[-1])
    assert not days.update({MAY[0]: 5}, keep=7)


@given(updates)
def test_updates_in_any_order_agree_with_a_dict(batches):
    days, model = DailyValues(), {}
    for batch in batches:
        merged = model | batch
        assert days.update(batch) == (merged != model or merged.keys() != model.keys())
        model = merged
    assert dict(days.items()) == model
    assert len(days) == len(model)
    for day in model:
        assert days.get(day) == model[day]
        assert days.requested(day)


def built(batches):
    """Return the same updates as daily values and as a dict."""
    days, model = DailyValues(), {}
    for batch in batches:
        days.update(batch)
        model |= batch
    return days, model


@given(updates, near, near)
def test_totals_and_coverage_agree_with_a_dict(batches, one, other):
    days, model = built(batches)
    span = Span(min(one, other), max(one, other))
    assert days.covers(span) == all(day in model for day in span)
    assert days.first_missing(span) == next((day for day in span if day not in model), None)
    values = [model.get(day) for day in span]
    expected = None if None in values else pytest.approx(sum(values))
    assert days.total(span) == expected


@given(updates, near)
def test_dropped_days_agree_with_a_dict(batches, last):
    days, model = built(batches)
    kept = {day: value for day, value in model.items() if day <= last}
    days.drop_after(last)
    assert dict(days.items()) == kept
    assert days.span == (Span(min(kept), max(kept)) if kept else None)


@given(st.dictionaries(anywhere, values, min_size=1, max_size=20))
def test_any_dates_keep_the_days_up_to_the_newest(batch):
    days = DailyValues(batch)
    oldest = max(batch).toordinal() - MAX_DAYS + 1
    assert dict(days.items()) == {d: v for d, v in batch.items() if d.toordinal() >= oldest}
    assert len(days._values) <= MAX_DAYS


@given(st.dictionaries(near, values, min_size=1))
def test_what_was_packed_is_what_is_unpacked(batch):
    days = DailyValues(batch)
    assert DailyValues.unpack(*days.pack()) == days


def test_a_packed_series_is_one_little_endian_double_per_day():
    first, packed = DailyValues({MAY[0]: 1, MAY[2]: 2}).pack()
    assert first == MAY[0]
    assert packed.hex() == "000000000000f03f" + "000000000000f07f" + "0000000000000040"


@given(anywhere, st.binary(max_size=80))
def test_any_bytes_are_a_series_or_an_error(first, packed):
    try:
        days = DailyValues.unpack(first, packed)
    except ValueError:
        return
    assert 0 < len(days) <= len(packed) / 8
    assert all(value is None or math.isfinite(value) for _, value in days.items())


@pytest.mark.parametrize(
    ("first", "packed"),
    [
        (MAY[0], b""),
        (MAY[0], bytes(7)),
        (MAY[0], bytes(8 * (MAX_DAYS + 1))),
        (date(9999, 12, 31), bytes(16)),
        (MAY[0], bytes.fromhex("000000000000f07f")),
    ],
)
def test_bytes_that_cannot_be_a_series_are_an_error(first, packed):
    with pytest.raises(ValueError, match=r"daily values|none of the days"):
        DailyValues.unpack(first, packed)


def test_a_series_without_values_is_not_packed():
    with pytest.raises(ValueError, match="without values"):
        DailyValues().pack()


@given(updates, near, near)
def test_values_over_a_span_agree_with_a_dict(batches, one, other):
    days, model = built(batches)
    span = Span(min(one, other), max(one, other))
    assert days.over(span) == [model.get(day) for day in span]


@given(updates, near, near, near, values)
def test_a_fingerprint_changes_with_the_values_of_its_days_only(batches, one, other, day, value):
    days = DailyValues()
    for batch in batches:
        days.update(batch)
    span = Span(min(one, other), max(one, other))
    before = days.fingerprint(span)
    changed = days.update({day: value})
    assert (days.fingerprint(span) != before) == (changed and day in span)
