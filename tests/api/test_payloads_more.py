"""Readers of counts, costs, parts and single figures."""

import json
import math
from datetime import date
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.payloads import (
    MAX_TITLE,
    NAMELESS,
    PayloadError,
    Reason,
    read_costs,
    read_counts,
    read_figures,
    read_parts,
    read_size,
)
from exporter.windows import Span
from tests.api.test_payloads import payloads, scalars

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)
SPAN = Span(FIRST, THIRD)
conversations = partial(read_counts, count="conversation_count")
topics = partial(read_parts, names=("topic_name", "name"), value="conversation_count")
details = partial(read_parts, names=("provider",), value="total_cost", lists=("rows",))
agents = partial(
    read_parts,
    names=("mentor_name", "mentor_unique_id"),
    value="total_cost",
    lists=("mentor_data", "results"),
)


def average(body):
    return read_figures(body, "data.average")


READERS = [conversations, average, topics, details, agents, read_costs, read_size]


def read(reader, payload):
    return reader(json.dumps(payload).encode())


def numbers(answer):
    found = [getattr(answer, "total", None)]
    found += list(getattr(answer, "days", {}).values())
    found += list(getattr(answer, "values", {}).values())
    return [number for number in found if number is not None]


# Whatever comes.

rows = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("date", "conversation_count", "topic_name", "provider", "total_cost", "value"), scalars
    ),
)
shaped = st.lists(rows | scalars | st.lists(rows, max_size=2), max_size=4) | st.fixed_dictionaries(
    {},
    optional={
        "rows": st.lists(rows | scalars, max_size=4) | scalars,
        "results": st.lists(rows | scalars, max_size=4) | scalars,
        "overtime": st.lists(rows | scalars, max_size=4) | scalars,
        "value": scalars,
        "count": scalars,
        "total_records": scalars,
        "data": st.fixed_dictionaries({}, optional={"average": scalars}) | scalars,
        "pagination": st.fixed_dictionaries({}, optional={"totalItems": scalars}) | scalars,
    },
)


def assert_readable_or_refused(reader, body):
    try:
        answer = reader(body)
    except PayloadError:
        return
    assert all(math.isfinite(number) and number >= 0 for number in numbers(answer))
    assert set(answer.flaws) <= set(Reason)
    assert all(count > 0 for count in answer.flaws.values())
    for name in getattr(answer, "keys", ()):
        assert len(name) <= MAX_TITLE
        assert name == name.strip()
        assert name.encode().isascii() or name.isprintable()


@pytest.mark.parametrize("reader", READERS)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(reader, body):
    assert_readable_or_refused(reader, body)


@pytest.mark.parametrize("reader", READERS)
@given(payload=payloads | shaped)
def test_any_json_is_read_or_refused(reader, payload):
    assert_readable_or_refused(reader, json.dumps(payload).encode())


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("payload", [None, 3, "x", {"detail": "no"}, [3, 4]])
def test_what_is_something_else_is_no_answer(reader, payload):
    with pytest.raises(PayloadError):
        read(reader, payload)


# Counts by day.


@pytest.mark.parametrize("key", ["date", "time", "period", "interval"])
@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: [rows]])
def test_each_endpoint_has_its_own_word_for_the_date(key, wrap):
    payload = wrap(
        [
            {key: "2026-01-01T00:00:00Z", "conversation_count": 42},
            {key: "2026-01-02", "conversation_count": "7"},
        ]
    )
    assert read(conversations, payload).days == {FIRST: 42, SECOND: 7}


def test_counts_of_hours_are_added_up():
    hours = [
        {"date": f"2026-01-01T{hour:02}:00:00Z", "conversation_count": hour} for hour in (1, 2)
    ]
    assert read(conversations, hours).days == {FIRST: 3}


def test_a_day_left_out_of_a_list_is_unknown_since_there_is_no_total():
    answer = read(conversations, [{"date": "2026-01-01", "conversation_count": 3}])
    assert list(answer.over(SPAN).values()) == [3, None, None]


@pytest.mark.parametrize("payload", [[], [[]]])
def test_an_empty_list_is_an_answer(payload):
    assert read(conversations, payload).days == {}


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
def test_a_list_without_any_count_is_no_answer(rows):
    with pytest.raises(PayloadError):
        read(conversations, rows)


def test_an_odd_row_costs_itself_alone():
    answer = read(conversations, [3, {}, {"date": "2026-01-01", "conversation_count": 3}])
    assert (answer.days, answer.flaws) == ({FIRST: 3}, {Reason.ROW: 1, Reason.DATE: 1})


# Costs by day.


def costs(value, **days):
    overtime = [{"date": f"2026-01-0{day[1:]}", "value": cost} for day, cost in days.items()]
    return read(read_costs, {"metric": "total_costs", "value": value, "overtime": overtime})


def test_money_is_text_or_a_number():
    answer = costs("45.78900", d1="1.23000", d2=44.559)
    assert answer.days == {FIRST: 1.23, SECOND: 44.559}
    assert answer.total == 45.789


def test_a_day_without_cost_is_0_where_the_others_make_up_the_whole_but_for_rounding():
    assert list(costs("3.001", d1="1.50", d2="1.50").over(SPAN).values()) == [1.5, 1.5, 0]
    assert list(costs("3.10", d1="1.50", d2="1.50").over(SPAN).values()) == [1.5, 1.5, None]


@pytest.mark.parametrize("value", [None, "", "N/A"])
def test_a_cost_that_nobody_could_look_up_is_not_0(value):
    assert list(costs(value, d1=value).over(SPAN).values()) == [None, None, None]
    assert list(costs(value).over(SPAN).values()) == [None, None, None]


def test_nothing_spent_is_0():
    assert list(costs("0.00000").over(SPAN).values()) == [0, 0, 0]


@pytest.mark.parametrize(
    "payload", [{}, {"overtime": {"a": 1}, "value": 1}, {"value": 1, "overtime": [1]}]
)
def test_what_is_no_cost_is_no_answer(payload):
    with pytest.raises(PayloadError):
        read(read_costs, payload)


# Single figures.


def test_a_figure_is_found_where_it_stands():
    assert read(average, {"data": {"average": "71.5"}})["data.average"] == 71.5


@pytest.mark.parametrize("raw", [None, "N/A", ""])
def test_a_figure_that_is_null_is_not_given_and_no_error(raw):
    answer = read(average, {"data": {"average": raw}})
    assert (answer["data.average"], answer.flaws) == (None, {})


def test_one_figure_may_be_missing_or_odd_beside_another():
    answer = read_figures(b'{"a": 1, "c": "x"}', "a", "b", "c")
    assert dict(answer.values) == {"a": 1, "b": None, "c": None}
    assert answer.flaws == {Reason.VALUE: 1}


@pytest.mark.parametrize(
    "payload", [{"data": {}}, {"data": 3}, {"data": {"average": "A+"}}, {"data": {"average": -1}}]
)
def test_without_its_figure_there_is_no_answer(payload):
    with pytest.raises(PayloadError):
        read(average, payload)


def test_of_a_list_of_people_nothing_is_kept_but_its_length():
    row = {"username": "jane.doe", "full_name": "Jane", "time_spent": "12"}
    answer = read(read_size, {"data": [row], "pagination": {"totalItems": 1250}})
    assert answer.pagination.total_items == 1250
    assert "jane" not in repr(answer).lower()


# Parts of a whole.


@pytest.mark.parametrize("key", ["topic_name", "name"])
def test_a_topic_has_either_word_for_its_name(key):
    payload = [{key: "Photosynthesis", "conversation_count": 85}]
    assert read(topics, payload).values == {"Photosynthesis": 85}
    assert read(topics, [payload]).values == {"Photosynthesis": 85}


def test_rows_of_one_name_are_added_up():
    payload = [{"name": n, "conversation_count": 2} for n in ("a", "b", "a ", "a\n")]
    assert read(topics, payload).values == {"a": 6, "b": 2}


@pytest.mark.parametrize("name", [None, "", "  ", 7, ["x"], "mail jane@example.org", "\n"])
def test_what_has_no_name_or_one_of_a_person_counts_without_it(name):
    assert read(topics, [{"name": name, "conversation_count": 3}]).values == {NAMELESS: 3}


def test_an_endless_name_is_cut_and_a_broken_one_mended():
    payload = [{"name": "x" * 9999, "conversation_count": 1}]
    payload += [{"name": "half \ud800", "conversation_count": 1}]
    assert {len(name) for name in read(topics, payload).keys} == {MAX_TITLE, 6}


@pytest.mark.parametrize(
    "payload",
    [
        [{"provider": "openai", "total_cost": 4.25}],
        {"provider": "openai", "total_cost": "4.25"},
        {"rows": [{"provider": "openai", "total_cost": "4.25000"}], "total_cost": "4.25"},
    ],
)
def test_costs_come_as_a_list_as_one_object_or_within_a_page(payload):
    assert read(details, payload).values == {"openai": 4.25}


def test_what_is_said_of_the_pages_is_read_in_the_words_of_both_families():
    page = {"page": 2, "limit": 20, "total_pages": 3, "total_records": 41, "rows": []}
    says = read(details, page).pagination
    assert (says.total_items, says.current_page, says.total_pages) == (41, 2, 3)
    assert read(agents, {"count": 7, "next": None, "results": []}).pagination.total_items == 7


@pytest.mark.parametrize("member", ["mentor_data", "results"])
def test_the_costs_of_agents_come_in_two_shapes(member):
    sessions = [{"session_id": "s", "cost": 1}]
    row = {"mentor_unique_id": "6f1c", "mentor_name": "Coach", "total_cost": 4.2}
    nameless = {"mentor_unique_id": "77aa", "total_cost": None, "mentor_sessions": sessions}
    answer = read(agents, {"tenant": "acme", "tenant_total_cost": 4.2, member: [row, nameless]})
    assert answer.values == {"Coach": 4.2, "77aa": None}


@pytest.mark.parametrize("payload", [{"rows": None}, {"rows": []}, []])
def test_no_parts_are_an_answer(payload):
    assert read(details, payload).values == {}


@pytest.mark.parametrize("payload", [[{"provider": "openai"}], {"rows": [3]}, {"rows": [{}]}])
def test_parts_without_any_figure_are_no_answer(payload):
    with pytest.raises(PayloadError):
        read(details, payload)
