import json
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.payloads import (
    MAX_ID,
    MAX_NAME,
    Bucket,
    PayloadError,
    Reason,
    read_courses,
    read_daily,
    read_learners,
    read_sessions,
)
from exporter.windows import Span

FIELDS = ("user_count", "time_watched")
READERS = [read_daily, read_sessions, lambda body: read_courses(body, FIELDS), read_learners]
FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
SPAN = Span(FIRST, THIRD)


def read(reader, payload, *more):
    return reader(json.dumps(payload).encode(), *more)


# Whatever comes.

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2026-01-01", "12", "1e400", "N/A", "-0", "\ud800", 10**400, "9" * 50])
)
keys = st.text(max_size=5) | st.sampled_from(
    [
        "data",
        "total",
        "pagination",
        "totalItems",
        "currentPage",
        "totalPages",
        "course_id",
        "name",
        "user_count",
        "username",
        "engagement_index",
        "time",
        "avg_messages",
        "total_sessions",
        "2026-01-01",
        "2026-13-45",
    ]
)
payloads = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5)
)
rows = st.fixed_dictionaries(
    {},
    optional={
        "course_id": scalars,
        "name": scalars,
        "user_count": scalars,
        "username": scalars,
        "time": scalars,
        "avg_messages": scalars,
        "total_sessions": scalars,
    },
)
shaped = st.lists(rows | scalars, max_size=4) | st.fixed_dictionaries(
    {},
    optional={
        "data": st.lists(rows | scalars, max_size=4)
        | st.dictionaries(keys, scalars, max_size=5)
        | scalars,
        "total": scalars,
        "pagination": st.dictionaries(keys, scalars, max_size=4) | scalars,
    },
)


def numbers(answer):
    """Return every figure of an answer."""
    found = [getattr(answer, "total", None)]
    for value in getattr(answer, "days", {}).values():
        found += [value.sessions, value.messages] if isinstance(value, Bucket) else [value]
    for row in getattr(answer, "rows", {}).values():
        found += row.figures.values()
    for pair in getattr(answer, "indexes", {}).values():
        found += pair
    return [number for number in found if number is not None]


def assert_readable_or_refused(reader, body):
    try:
        answer = reader(body)
    except PayloadError:
        return
    assert all(isinstance(n, float | int) and math.isfinite(n) for n in numbers(answer))
    if reader is not read_learners:
        assert all(n >= 0 for n in numbers(answer))
    assert set(answer.flaws) <= set(Reason)
    assert all(count > 0 for count in answer.flaws.values())


@pytest.mark.parametrize("reader", READERS)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(reader, body):
    assert_readable_or_refused(reader, body)


@pytest.mark.parametrize("reader", READERS)
@given(payload=payloads | shaped)
def test_any_json_is_read_or_refused(reader, payload):
    assert_readable_or_refused(reader, json.dumps(payload).encode())


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"data":' * 50_000,
        b"<html></html>",
        b'{"data": {"2026-01-01": 1}',
        b'{"data": "\xff\xfe"}',
        '{"data": {}}'.encode("utf-16"),
        b"\x1f\x8b\x08",
        b'{"total": ' + b"9" * 5000 + b"}",
    ],
)
def test_no_body_is_hostile_enough(reader, body):
    assert_readable_or_refused(reader, body)


def test_an_error_does_not_quote_the_body():
    with pytest.raises(PayloadError) as caught:
        read_learners(b'{"username": "jane.doe", oops')
    assert "jane" not in repr(caught.value.__cause__) + str(caught.value)
    assert caught.value.__suppress_context__


# Series.


def test_the_reference_s_own_series_is_read():
    answer = read(read_daily, {"data": {"2026-01-01": 3, "2026-01-02": None}, "total": 3})
    assert answer.days == {FIRST: 3, SECOND: None}
    assert answer.total == 3
    assert answer.flaws == {}


@pytest.mark.parametrize(
    ("raw", "value", "flaws"),
    [
        (3, 3, 0),
        (2.5, 2.5, 0),
        ("12", 12, 0),
        (" 1.5 ", 1.5, 0),
        ("1e3", 1000, 0),
        (0, 0, 0),
        (-0.0, 0, 0),
        (None, None, 0),
        ("N/A", None, 0),
        ("", None, 0),
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
def test_a_number_is_a_number_and_what_is_none_is_never_0(raw, value, flaws):
    answer = read(read_daily, {"data": {"2026-01-01": raw, "2026-01-02": 1}})
    assert answer.days == {FIRST: value, SECOND: 1}
    assert answer.flaws[Reason.VALUE] == flaws
    assert math.copysign(1, answer.days[FIRST] or 0.0) == 1


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "2026-01-01 00:00:00",
        "2026-01-01T23:59:59.999+14:00",
        " 2026-01-01 ",
    ],
)
def test_a_day_is_the_date_it_prints(text):
    assert read(read_daily, {"data": {text: 3}}).days == {FIRST: 3}


@pytest.mark.parametrize("text", ["2026-02-30", "01/02/2026", "20260101", "", "٢٠٢٦-01-01", "x"])
def test_a_day_that_is_none_is_passed_over_and_counted(text):
    answer = read(read_daily, {"data": {text: 3, "2026-01-02": 1}})
    assert answer.days == {SECOND: 1}
    assert answer.flaws == {Reason.DATE: 1}


def test_hours_of_one_day_are_added_up_and_one_unknown_makes_the_day_unknown():
    known = {"2026-01-01T00:00:00Z": 1, "2026-01-01T01:00:00Z": 2}
    assert read(read_daily, {"data": known}).days == {FIRST: 3}
    unknown = {**known, "2026-01-01": None, "2026-01-02": 1}
    assert read(read_daily, {"data": unknown}).days == {FIRST: None, SECOND: 1}


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"2026-01-01": None}},
        {"data": {"someday": 3}, "total": 3},
        {"data": [1]},
        {"data": "x"},
        {"detail": "no"},
        [],
        3,
    ],
)
def test_a_series_without_any_figure_is_no_answer(payload):
    with pytest.raises(PayloadError):
        read(read_daily, payload)


@pytest.mark.parametrize("payload", [{"data": {}}, {"data": None}, {"data": []}, {"total": 0}])
def test_an_empty_series_is_an_answer(payload):
    assert read(read_daily, payload).days == {}


def over(data, total):
    return list(read(read_daily, {"data": data, "total": total}).over(SPAN).values())


def test_a_day_left_out_is_0_only_if_the_others_add_up_to_the_total():
    assert over({"2026-01-01": 3}, 3) == [3, 0, 0]
    assert over({"2026-01-01": 3}, 5) == [3, None, None]
    assert over({"2026-01-01": 3}, None) == [3, None, None]
    assert over({}, 0) == [0, 0, 0]
    assert over({}, None) == [None, None, None]


def test_a_null_day_stays_unknown_even_if_the_others_add_up():
    assert over({"2026-01-01": 3, "2026-01-02": None}, 3) == [3, None, 0]


def test_days_outside_the_span_never_count_but_may_be_in_the_total():
    assert over({"2026-01-01": 3, "2026-02-01": 4}, 7) == [3, 0, 0]
    assert over({"2026-01-01": 3, "2026-02-01": 4}, 3) == [3, 0, 0]


def test_fractions_add_up_too():
    assert over({"2026-01-01": 0.1, "2026-01-02": 0.2}, 0.3) == [0.1, 0.2, 0]


# Chat sessions.

ROWS = [
    {"time": "2026-01-01T00:00:00Z", "avg_messages": 5, "total_sessions": 10},
    {"time": "2026-01-02T00:00:00Z", "avg_messages": 6, "total_sessions": 12},
]


@pytest.mark.parametrize("payload", [ROWS, [ROWS], [[ROWS[0]], [ROWS[1]]]])
def test_a_list_in_a_list_reads_like_a_list(payload):
    assert read(read_sessions, payload).days == {FIRST: Bucket(10, 50), SECOND: Bucket(12, 72)}


@pytest.mark.parametrize("payload", [[], [[]]])
def test_no_sessions_is_an_answer(payload):
    assert read(read_sessions, payload).days == {}


def test_buckets_of_one_day_are_merged_by_their_sessions():
    more = {"time": "2026-01-01 13:00:00", "avg_messages": "2.5", "total_sessions": "30"}
    assert read(read_sessions, [*ROWS, more]).days[FIRST] == Bucket(40, 125)


@pytest.mark.parametrize(
    ("row", "bucket"),
    [
        ({"avg_messages": None, "total_sessions": 0}, Bucket(0, 0)),
        ({"avg_messages": "N/A", "total_sessions": 0}, Bucket(0, 0)),
        ({"avg_messages": None, "total_sessions": 4}, Bucket(4, None)),
        ({"avg_messages": 4}, None),
        ({"avg_messages": 4, "total_sessions": -1}, None),
    ],
)
def test_a_bucket_says_no_more_than_it_knows(row, bucket):
    assert read(read_sessions, [{"time": "2026-01-01", **row}, ROWS[1]]).days[FIRST] == bucket


def test_odd_rows_cost_themselves_alone():
    answer = read(read_sessions, [3, {"time": None}, *ROWS])
    assert len(answer.days) == 2
    assert answer.flaws == {Reason.ROW: 1, Reason.DATE: 1}


@pytest.mark.parametrize("payload", [{}, {"data": []}, "x", [{"time": "never"}], [7]])
def test_a_list_without_any_bucket_is_no_answer(payload):
    with pytest.raises(PayloadError):
        read(read_sessions, payload)


# Courses.

COURSE = {"course_id": "course-v1:Acme+Bio101+2026", "name": "Biology 101", "user_count": 8}


def test_the_reference_s_own_list_of_courses_is_read():
    answer = read(read_courses, {"data": [COURSE], "total": 9, "meta": {"total": 8}}, FIELDS)
    course_id = "course-v1:Acme+Bio101+2026"
    assert answer.names == {course_id: "Biology 101"}
    assert answer.columns == {"user_count": {course_id: 8}, "time_watched": {course_id: None}}
    assert answer.total == 9
    assert answer.keys == {course_id}


@pytest.mark.parametrize(
    "course_id", [None, 7, "", "  ", "x" * (MAX_ID + 1), "half \ud800 of a pair", ["x"]]
)
def test_a_row_without_a_usable_id_is_passed_over_and_counted(course_id):
    answer = read(read_courses, {"data": [COURSE, {"course_id": course_id}]}, FIELDS)
    assert len(answer.names) == 1
    assert answer.flaws == {Reason.ROW: 1}


def test_an_endless_or_broken_name_is_cut_and_mended():
    courses = [{**COURSE, "name": "x" * 9999}, {"course_id": "b", "name": "\ud800"}]
    names = read(read_courses, {"data": courses}, FIELDS).names
    assert len(names[COURSE["course_id"]]) == MAX_NAME
    assert names["b"].encode()


def test_a_row_repeated_replaces_the_earlier_one():
    again = {**COURSE, "user_count": 9}
    columns = read(read_courses, {"data": [COURSE, again]}, FIELDS).columns
    assert list(columns["user_count"].values()) == [9]


def test_a_total_stands_even_where_no_row_can_be_read():
    answer = read(read_courses, {"data": [{}], "total": 9}, FIELDS)
    assert (answer.names, answer.total) == ({}, 9)
    with pytest.raises(PayloadError):
        read(read_courses, {"data": [{}]}, FIELDS)


@pytest.mark.parametrize("payload", [{}, {"detail": "no"}, [COURSE], {"data": {"a": 1}}])
def test_what_is_no_list_of_courses_is_no_answer(payload):
    with pytest.raises(PayloadError):
        read(read_courses, payload, FIELDS)


# Learners.


def learner(username="learner1", **row):
    return {"username": username, "name": "Learner One", "engagement_index": 0.4, **row}


def test_learners_are_counted_and_their_indexes_read_without_any_name():
    payload = {
        "data": [learner(), learner("learner2", performance_index=-0.7)],
        "pagination": {"totalItems": 1250, "currentPage": 1, "totalPages": 2},
    }
    answer = read(read_learners, payload)
    assert answer.pagination.total_items == 1250
    assert sorted(answer.indexes.values(), key=str) == [(0.4, -0.7), (0.4, None)]
    assert "earner" not in repr(answer).replace("LearnerPage", "")


def test_keys_tell_learners_of_two_pages_apart_and_know_one_again():
    def page(*names):
        rows = [learner(name) for name in names]
        return read(read_learners, {"data": rows, "pagination": {"totalItems": 3}}).keys

    assert page("a", "b") & page("b", "c") == page("b")


@pytest.mark.parametrize("pagination", [None, {}, {"totalItems": None}, {"totalItems": -1}, []])
def test_without_their_number_there_is_no_answer(pagination):
    with pytest.raises(PayloadError):
        read(read_learners, {"data": [learner()], "pagination": pagination})


def test_a_number_as_text_counts():
    assert read(read_learners, {"pagination": {"totalItems": "12"}}).pagination.total_items == 12


@pytest.mark.parametrize("data", [{}, [], None])
def test_days_left_out_altogether_are_no_answer_where_the_total_says_there_was_something(data):
    with pytest.raises(PayloadError, match="no day is given"):
        read(read_daily, {"data": data, "total": 5})
    assert read(read_daily, {"data": data, "total": 0}).total == 0
    assert read(read_daily, {"data": data}).days == {}
