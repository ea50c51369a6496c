"""Past windows of a measure, from its daily values."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.history.series import DailyValues
from exporter.history.store import History
from exporter.history.windows import ACTIVE_USERS_7D, average, windows_by_end
from exporter.windows import Span

END = date(2026, 5, 5)
DAY = timedelta(days=1)
days = st.integers(0, 40).map(lambda ago: END - DAY * ago)
values = st.none() | st.floats(0, 1e6)


def past(history, measure, length, reach=30):
    return windows_by_end(history, "acme", measure, length=length, end=END, reach=reach)


@given(given_days=st.dictionaries(days, values), length=st.sampled_from([1, 7]))
def test_each_window_is_the_sum_of_its_days_or_unknown(given_days, length):
    history = History()
    history.update("acme", "videos", days=given_days)
    known = history.series("acme", "videos")
    found = past(history, "videos", length)
    assert len(found) == 31
    assert (min(found), max(found)) == (END - DAY * 30, END)
    for end, value in found.items():
        total = known.total(Span(end - DAY * (length - 1), end))
        assert value == (None if total is None else pytest.approx(total, abs=1e-6))


@given(st.dictionaries(days, values), st.dictionaries(days, values))
def test_averages_are_weighted_by_their_counts(sums, counts):
    history = History()
    history.update("acme", "chat_messages", days=sums)
    history.update("acme", "chat_sessions", days=counts)
    for end, value in past(history, "avg_messages_per_session", 7).items():
        span = Span(end - DAY * 6, end)
        weights = [counts.get(day) for day in span]
        messages = [sums.get(day) for day in span if counts.get(day)]
        if None in weights or not sum(weights) or None in messages:
            assert value is None
        else:
            assert value == pytest.approx(sum(messages) / sum(weights))


def test_unique_users_of_a_week_are_not_the_sum_of_days():
    history = History()
    history.update("acme", "active_users", days=dict.fromkeys(Span(END - DAY * 40, END), 10.0))
    history.update("acme", ACTIVE_USERS_7D, days={END - DAY * 7: 25.0})
    found = past(history, "active_users", 7)
    assert {end: value for end, value in found.items() if value is not None} == {END - DAY * 7: 25}
    assert set(past(history, "active_users", 1).values()) == {10}


def test_a_day_without_a_count_adds_nothing_to_an_average():
    sums = DailyValues({END: 40.0, END - DAY: None})
    counts = DailyValues({END: 10.0, END - DAY: 0.0})
    assert average(sums, counts, Span(END - DAY, END)) == 4
    assert average(sums, DailyValues({END: 0.0}), Span(END, END)) is None
