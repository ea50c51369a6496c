"""Parts of a total, and single values."""

import json
from functools import partial

import pytest

from exporter.api.payloads import (
    MAX_DISPLAY_NAME,
    NAMELESS,
    PayloadError,
    Reason,
    parse_parts,
    parse_total_cost,
    parse_values,
    sum_by_name,
)

topics = partial(parse_parts, names=("topic_name", "name"), value="conversation_count")
details = partial(parse_parts, names=("mentor",), value="total_cost", lists=("rows",))
agents = partial(
    parse_parts,
    names=("mentor_name", "mentor_unique_id"),
    ids=("mentor_unique_id",),
    value="total_cost",
    lists=("mentor_data", "results"),
)


def parse(parser, payload):
    return parser(json.dumps(payload).encode())


def sums(parser, *pages):
    parts = {}
    for page in pages:
        parts.update(parse(parser, page).parts)
    return sum_by_name(parts.values())


@pytest.mark.parametrize("key", ["topic_name", "name"])
def test_the_name_of_a_topic_has_either_key(key):
    payload = [{key: "Photosynthesis", "conversation_count": 85}]
    assert sums(topics, payload) == {"Photosynthesis": 85}
    assert sums(topics, [payload]) == {"Photosynthesis": 85}


def test_rows_of_one_name_are_added_up():
    payload = [{"name": n, "conversation_count": 2} for n in ("a", "b", "a ", "a\n")]
    assert sums(topics, payload) == {"a": 6, "b": 2}


@pytest.mark.parametrize("with_ids", [True, False])
def test_agents_with_equal_names_are_added_up_across_pages(with_ids):
    """150 agents at 1.00, 75 of them copies of a template that kept its name."""
    rows = [
        {"mentor_name": "Coach" if n % 2 else f"Agent {n}", "total_cost": "1.00"}
        for n in range(150)
    ]
    if with_ids:
        rows = [{**row, "mentor_unique_id": f"id-{n}"} for n, row in enumerate(rows)]
    pages = [{"count": 150, "page": n, "results": rows[100 * n : 100 * (n + 1)]} for n in (0, 1)]
    found = sums(agents, *pages)
    assert found["Coach"] == 75
    assert sum(found.values()) == 150


def test_pages_of_rows_that_are_all_alike_are_not_taken_for_the_same_page():
    rows = [{"mentor": "Coach", "total_cost": 1}] * 3
    one, two = (parse(details, {"page": page, "rows": rows}) for page in (1, 2))
    assert len(one.keys | two.keys) == 6
    assert (one.rows, two.rows) == (3, 3)


def test_a_page_that_the_api_returns_again_has_the_same_keys():
    page = {"page": 1, "rows": [{"mentor": "Coach", "total_cost": 1}] * 3}
    assert parse(details, page).keys == parse(details, page).keys


def test_a_row_that_shifted_to_the_next_page_counts_once_by_its_id():
    row = {"mentor_unique_id": "6f1c", "mentor_name": "Coach", "total_cost": 4}
    other = {"mentor_unique_id": "77aa", "mentor_name": "Coach", "total_cost": 1}
    assert sums(agents, {"results": [row]}, {"results": [row, other]}) == {"Coach": 5}


def test_a_part_has_its_id_for_joins():
    row = {"mentor_unique_id": "6f1c", "mentor_name": "Coach", "total_cost": 4}
    [part] = parse(agents, {"results": [row]}).parts.values()
    assert (part.id, part.name, part.value) == ("6f1c", "Coach", 4)


@pytest.mark.parametrize(
    "id_",
    ["null", '""', '" "', '".."', r'"\n"', "[1]", "true", "1.5", f'"{"x" * 9999}"', "9" * 5000],
)
def test_an_unusable_id_is_none(id_):
    body = f'{{"results": [{{"mentor_unique_id": {id_}, "total_cost": 4}}]}}'
    [part] = agents(body.encode()).parts.values()
    assert (part.id, part.value) == ("", 4)


def test_a_sum_with_an_unknown_part_is_unknown():
    rows = [{"name": "a", "conversation_count": n} for n in (1, None)]
    rows.append({"name": "b", "conversation_count": 3})
    assert sums(topics, rows) == {"a": None, "b": 3}
    assert parse(topics, rows).errors == {Reason.VALUE: 1}


@pytest.mark.parametrize("name", [None, "", "  ", 7, ["x"], "mail jane@example.org", "\n"])
def test_a_part_without_a_name_or_with_one_of_a_person_counts_without_it(name):
    assert sums(topics, [{"name": name, "conversation_count": 3}]) == {NAMELESS: 3}


def test_a_long_name_is_cut_and_an_invalid_one_repaired():
    payload = [{"name": "x" * 9999, "conversation_count": 1}]
    payload += [{"name": "half \ud800", "conversation_count": 1}]
    assert {len(name) for name in sums(topics, payload)} == {MAX_DISPLAY_NAME, 6}


@pytest.mark.parametrize(
    "payload",
    [
        [{"mentor": "Coach", "total_cost": 4.25}],
        {"mentor": "Coach", "total_cost": "4.25"},
        {"rows": [{"mentor": "Coach", "total_cost": "4.25000"}], "total_cost": "4.25"},
    ],
)
def test_parts_are_a_list_or_one_object_or_within_a_page(payload):
    assert sums(details, payload) == {"Coach": 4.25}


def test_pages_are_described_in_the_words_of_both_families():
    page = {"page": 2, "limit": 20, "total_pages": 3, "total_records": 41, "rows": []}
    pagination = parse(details, page).pagination
    assert (pagination.total_items, pagination.current_page, pagination.total_pages) == (41, 2, 3)
    assert parse(agents, {"count": 7, "next": None, "results": []}).pagination.total_items == 7


@pytest.mark.parametrize("member", ["mentor_data", "results"])
def test_costs_of_agents_have_two_shapes(member):
    sessions = [{"session_id": "s", "cost": 1}]
    row = {"mentor_unique_id": "6f1c", "mentor_name": "Coach", "total_cost": 4.2}
    nameless = {"mentor_unique_id": "77aa", "total_cost": None, "mentor_sessions": sessions}
    payload = {"tenant": "acme", "tenant_total_cost": 4.2, member: [row, nameless]}
    assert sums(agents, payload) == {"Coach": 4.2, "77aa": None}


@pytest.mark.parametrize("payload", [{"rows": None}, {"rows": []}, []])
def test_no_parts_are_no_error(payload):
    assert parse(details, payload).parts == {}


@pytest.mark.parametrize("payload", [[{"mentor": "Coach"}], {"rows": [3]}, {"rows": [{}]}])
def test_parts_without_any_value_are_an_error(payload):
    with pytest.raises(PayloadError):
        parse(details, payload)


# Single values.


def average(payload):
    return parse_values(json.dumps(payload).encode(), "data.average")


def test_a_value_is_found_by_its_path():
    assert average({"data": {"average": "71.5"}})["data.average"] == 71.5


@pytest.mark.parametrize("raw", [None, "N/A", ""])
def test_a_value_that_is_null_is_not_returned_and_no_error(raw):
    values = average({"data": {"average": raw}})
    assert (values["data.average"], values.errors) == (None, {})


def test_one_value_may_be_missing_or_unreadable_beside_another():
    values = parse_values(b'{"a": 1, "c": "x"}', "a", "b", "c")
    assert dict(values.values) == {"a": 1, "b": None, "c": None}
    assert values.errors == {Reason.VALUE: 1}


@pytest.mark.parametrize(
    "payload", [{"data": {}}, {"data": 3}, {"data": {"average": "A+"}}, {"data": {"average": -1}}]
)
def test_without_any_of_the_values_there_is_an_error(payload):
    with pytest.raises(PayloadError):
        average(payload)


@pytest.mark.parametrize("cost", [5.75, "5.75", " 5.75000 "])
def test_the_cost_of_an_org_is_a_number_or_text(cost):
    assert parse(parse_total_cost, {"total_cost": cost}).value == 5.75


@pytest.mark.parametrize("cost", [None, "N/A", "oops", -1])
def test_a_null_cost_is_unknown_and_counted(cost):
    number = parse(parse_total_cost, {"total_cost": cost})
    assert (number.value, number.errors) == (None, {Reason.VALUE: 1})
