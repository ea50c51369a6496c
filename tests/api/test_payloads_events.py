"""Event lists: a day without a row has no events."""

import json
from datetime import date
from functools import partial

import pytest

from exporter.api.payloads import (
    Bucket,
    PayloadError,
    Reason,
    parse_counts,
    parse_points,
    parse_sessions,
)
from exporter.windows import Span

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
SPAN = Span(FIRST, THIRD)
IDLE = Bucket(0, 0)
ROWS = [
    {"time": "2026-01-01T00:00:00Z", "avg_messages": 5, "total_sessions": 10},
    {"time": "2026-01-02T00:00:00Z", "avg_messages": 6, "total_sessions": 12},
]
conversations = partial(parse_counts, count="conversation_count")


def parse(parser, payload):
    return parser(json.dumps(payload).encode())


def days_in(parser, payload, span=SPAN):
    return list(parse(parser, payload).days_in(span).values())


# Chat sessions.


def test_sessions_and_messages_of_a_window_with_idle_days_are_the_platform_s():
    rows = [
        {"time": f"2026-03-{day}T00:00:00Z", "total_sessions": sessions, "avg_messages": average}
        for day, sessions, average in zip(
            range(20, 26), (250, 110, 130, 620, 20, 15), (3, 4, 5, 4, 6, 10), strict=True
        )
    ]
    week = Span(date(2026, 3, 19), date(2026, 3, 25))
    days = parse(parse_sessions, rows).days_in(week)
    sessions = sum(bucket.sessions for bucket in days.values())
    assert days[date(2026, 3, 19)] == IDLE
    assert sessions == 1145
    assert round(sum(bucket.messages for bucket in days.values()) / sessions, 3) == 4.009


@pytest.mark.parametrize("payload", [ROWS, [ROWS], [[ROWS[0]], [ROWS[1]]]])
def test_a_list_in_a_list_is_the_same_as_a_list(payload):
    assert parse(parse_sessions, payload).days == {FIRST: Bucket(10, 50), SECOND: Bucket(12, 72)}


@pytest.mark.parametrize("parser", [parse_sessions, conversations])
@pytest.mark.parametrize("payload", [[], [[]], [[], []]])
def test_an_empty_list_is_0_for_every_day(parser, payload):
    idle = IDLE if parser is parse_sessions else 0
    assert days_in(parser, payload) == [idle, idle, idle]
    assert parse(parser, payload).errors == {}


def test_a_day_without_a_row_is_0():
    assert days_in(parse_sessions, ROWS) == [Bucket(10, 50), Bucket(12, 72), IDLE]


@pytest.mark.parametrize(
    ("row", "reason"),
    [(3, Reason.ROW), (None, Reason.ROW), ({"time": None}, Reason.DATE), ({}, Reason.DATE)],
)
def test_a_day_without_a_row_is_unknown_beside_an_unreadable_or_undated_row(row, reason):
    events = parse(parse_sessions, [row, *ROWS])
    assert list(events.days_in(SPAN).values()) == [Bucket(10, 50), Bucket(12, 72), None]
    assert events.errors == {reason: 1}


@pytest.mark.parametrize("sessions", [None, -1, "many"])
def test_an_unreadable_value_costs_only_its_own_day(sessions):
    row = {"time": "2026-01-02", "avg_messages": 3, "total_sessions": sessions}
    events = parse(parse_sessions, [ROWS[0], row])
    assert list(events.days_in(SPAN).values()) == [Bucket(10, 50), None, IDLE]
    assert events.errors == {Reason.VALUE: 1}


def test_rows_that_all_lie_outside_the_range_are_an_error():
    with pytest.raises(PayloadError, match="outside the requested range"):
        days_in(parse_sessions, ROWS, Span(date(2026, 2, 1), date(2026, 2, 7)))


def test_single_rows_outside_the_range_are_ignored():
    assert days_in(parse_sessions, ROWS, Span(SECOND, THIRD)) == [Bucket(12, 72), IDLE]


def test_buckets_of_different_hours_are_merged_by_their_sessions():
    more = {"time": "2026-01-01 13:00:00", "avg_messages": "2.5", "total_sessions": "30"}
    assert parse(parse_sessions, [*ROWS, more]).days[FIRST] == Bucket(40, 125)


def test_the_same_bucket_twice_counts_once_and_is_unknown_if_the_two_differ():
    assert parse(parse_sessions, [*ROWS, {**ROWS[0], "time": "2026-01-01"}]).days == {
        FIRST: Bucket(10, 50),
        SECOND: Bucket(12, 72),
    }
    events = parse(parse_sessions, [*ROWS, {**ROWS[0], "total_sessions": 11}])
    assert list(events.days_in(SPAN).values()) == [None, Bucket(12, 72), IDLE]
    assert events.errors == {Reason.DATE: 1}


@pytest.mark.parametrize(
    ("row", "bucket", "errors"),
    [
        ({"avg_messages": None, "total_sessions": 0}, Bucket(0, 0), 0),
        ({"avg_messages": "N/A", "total_sessions": 0}, Bucket(0, 0), 0),
        ({"avg_messages": 0, "total_sessions": 8}, Bucket(8, 0), 0),
        ({"avg_messages": 0.25, "total_sessions": 8}, Bucket(8, 2), 0),
        ({"avg_messages": None, "total_sessions": 4}, Bucket(4, None), 1),
        ({"avg_messages": "few", "total_sessions": 4}, Bucket(4, None), 1),
        ({"avg_messages": 4}, None, 1),
    ],
)
def test_sessions_are_known_without_their_average_but_not_the_reverse(row, bucket, errors):
    events = parse(parse_sessions, [{"time": "2026-01-01", **row}, ROWS[1]])
    assert events.days[FIRST] == bucket
    assert events.errors[Reason.VALUE] == errors


@pytest.mark.parametrize(
    "payload", [{}, {"data": []}, "x", [{"time": "never"}], [7], [{"time": "2026-01-01"}]]
)
def test_a_list_without_any_bucket_is_an_error(payload):
    with pytest.raises(PayloadError):
        parse(parse_sessions, payload)


# Counts by day.


@pytest.mark.parametrize("key", ["date", "time", "period", "interval"])
@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: [rows]])
def test_the_date_may_have_any_of_four_names(key, wrap):
    payload = wrap(
        [
            {key: "2026-01-01T00:00:00Z", "conversation_count": 42},
            {key: "2026-01-02", "conversation_count": "7"},
        ]
    )
    assert parse(conversations, payload).days == {FIRST: 42, SECOND: 7}


def test_counts_of_hours_are_added_up():
    hours = [
        {"date": f"2026-01-01T{hour:02}:00:00Z", "conversation_count": hour} for hour in (1, 2)
    ]
    assert parse(conversations, hours).days == {FIRST: 3}


def test_a_day_without_a_count_is_0_also_if_it_is_the_newest():
    assert days_in(conversations, [{"date": "2026-01-01", "conversation_count": 3}]) == [3, 0, 0]


@pytest.mark.parametrize(
    "rows",
    [
        [{"date": "2026-01-01"}],
        [{"date": "2026-01-01", "conversation_count": None}],
        [{"date": "2026-01-01", "conversation_count": "many"}],
        [{"date": "someday", "conversation_count": 3}],
        [3],
    ],
)
def test_a_list_without_any_count_is_an_error(rows):
    with pytest.raises(PayloadError):
        parse(conversations, rows)


# Points of the v2 family.


def points(*given):
    return {"metric": "sessions", "points": [{"date": day, "value": v} for day, v in given]}


def test_points_are_an_event_list_with_or_without_idle_days():
    assert days_in(parse_points, points(("2026-01-01T00:00:00Z", 45))) == [45, 0, 0]
    full = points(("2026-01-01", 45), ("2026-01-02", 0), ("2026-01-03", 0))
    assert days_in(parse_points, full) == [45, 0, 0]
    assert days_in(parse_points, points()) == [0, 0, 0]


def test_a_day_without_a_mean_has_none_and_null_is_no_error():
    ratings = partial(parse_points, idle=None)
    given = points(("2026-01-01", 4.5), ("2026-01-02", None))
    assert days_in(ratings, given) == [4.5, None, None]
    assert parse(ratings, given).errors == {}
    assert days_in(ratings, points(("2026-01-01", None))) == [None, None, None]


@pytest.mark.parametrize("payload", [{}, {"points": None}, {"points": {}}, {"metric": "headline"}])
def test_without_a_list_of_points_there_is_an_error(payload):
    with pytest.raises(PayloadError):
        parse(parse_points, payload)
