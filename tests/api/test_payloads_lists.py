"""Lists of courses and learners, and what a response says about its pages."""

import json

import pytest

from exporter.api.payloads import (
    MAX_ID,
    MAX_NAME,
    Pagination,
    PayloadError,
    Reason,
    parse_content,
    parse_courses,
    parse_learners,
    parse_size,
)

FIELDS = ("user_count", "time_watched")
BIOLOGY = "course-v1:Acme+Bio101+2026"
COURSE = {"course_id": BIOLOGY, "name": "Biology 101", "user_count": 8}


def courses(payload):
    return parse_courses(json.dumps(payload).encode(), FIELDS)


def learners(payload):
    return parse_learners(json.dumps(payload).encode())


def test_the_reference_s_own_list_of_courses_is_parsed():
    page = courses({"data": [COURSE], "total": 9, "meta": {"total": 8}})
    assert page.names == {BIOLOGY: "Biology 101"}
    assert page.columns == {"user_count": {BIOLOGY: 8}, "time_watched": {BIOLOGY: None}}
    assert page.total == 9
    assert page.keys == {BIOLOGY}


@pytest.mark.parametrize(
    "course_id", [None, 7, "", "  ", "..", "x" * (MAX_ID + 1), "half \ud800 of a pair", ["x"]]
)
def test_a_row_without_a_usable_id_is_counted_and_the_others_are_used(course_id):
    page = courses({"data": [COURSE, {"course_id": course_id}]})
    assert len(page.names) == 1
    assert page.errors == {Reason.ROW: 1}


def test_a_long_name_is_cut_and_an_invalid_one_repaired():
    rows = [{**COURSE, "name": "x" * 9999}, {"course_id": "b", "name": "\ud800"}]
    names = courses({"data": rows}).names
    assert len(names[BIOLOGY]) == MAX_NAME
    assert names["b"].encode()


def test_a_row_repeated_replaces_the_earlier_one():
    page = courses({"data": [COURSE, {**COURSE, "user_count": 9}]})
    assert list(page.columns["user_count"].values()) == [9]


def test_the_total_is_used_even_if_no_row_is_readable():
    page = courses({"data": [{}], "total": 9})
    assert (page.names, page.total) == ({}, 9)
    with pytest.raises(PayloadError):
        courses({"data": [{}]})


@pytest.mark.parametrize("payload", [{}, {"detail": "no"}, [COURSE], {"data": {"a": 1}}])
def test_what_is_no_list_of_courses_is_an_error(payload):
    with pytest.raises(PayloadError):
        courses(payload)


# Learners.


def learner(username="learner1", **row):
    return {"username": username, "name": "Learner One", "engagement_index": 0.4, **row}


def test_learners_are_counted_and_their_indexes_kept_without_any_name():
    payload = {
        "data": [learner(), learner("learner2", performance_index=-0.7)],
        "pagination": {"totalItems": 1250, "currentPage": 1, "totalPages": 2},
    }
    page = learners(payload)
    assert page.pagination.total_items == 1250
    assert sorted(page.indexes.values(), key=str) == [(0.4, -0.7), (0.4, None)]
    assert "earner" not in repr(page).replace("LearnerPage", "")


def test_a_learner_has_the_same_key_on_two_pages():
    def keys(*names):
        rows = [learner(name) for name in names]
        return learners({"data": rows, "pagination": {"totalItems": 3}}).keys

    assert keys("a", "b") & keys("b", "c") == keys("b")


@pytest.mark.parametrize("pagination", [None, {}, {"totalItems": None}, {"totalItems": -1}, []])
def test_without_the_number_of_learners_there_is_an_error(pagination):
    with pytest.raises(PayloadError):
        learners({"data": [learner()], "pagination": pagination})


def test_a_number_as_text_counts():
    assert learners({"pagination": {"totalItems": "12"}}).pagination.total_items == 12


def test_of_a_list_of_people_only_the_length_is_kept():
    row = {"username": "jane.doe", "full_name": "Jane", "time_spent": "12"}
    size = parse_size(json.dumps({"data": [row], "pagination": {"totalItems": 1250}}).encode())
    assert size.pagination.total_items == 1250
    assert "jane" not in repr(size).lower()


# Content of the v2 family.

RESULT = {
    "id": BIOLOGY,
    "name": "Biology 101",
    "external": False,
    "instructor": "Jane Doe",
    "analytics": {"enrollments": 40, "total_time_spent": 5400, "avg_rating": None},
}
CONTENT = {
    "metric": "courses",
    "summary": {
        "totals": {"total_learners": 120, "total_time_spent": 86400, "courses": 12},
        "averages": {"completion_rate": 25.0},
    },
    "pagination": {"count": 41, "next": None, "current_page": 2, "total_pages": 3},
    "results": [RESULT, {**RESULT, "id": "other", "external": True, "analytics": None}],
}


def content(payload):
    return parse_content(
        json.dumps(payload).encode(),
        ("enrollments", "total_time_spent"),
        ("totals.total_learners", "averages.completion_rate", "totals.programs"),
    )


def test_content_is_a_list_of_courses_with_a_summary():
    page = content(CONTENT)
    assert page.names == {BIOLOGY: "Biology 101", "other": "Biology 101"}
    assert page.columns == {
        "enrollments": {BIOLOGY: 40, "other": None},
        "total_time_spent": {BIOLOGY: 5400, "other": None},
    }
    assert page.external == {"other"}
    assert page.summary == {
        "totals.total_learners": 120,
        "averages.completion_rate": 25,
        "totals.programs": None,
    }
    assert page.pagination == Pagination(41, 2, 3)
    assert page.keys == {BIOLOGY, "other"}
    assert "Jane" not in repr(page)


def test_content_may_have_a_summary_alone_or_results_alone():
    assert content({"summary": CONTENT["summary"]}).names == {}
    assert content({"results": CONTENT["results"]}).summary["totals.total_learners"] is None


def test_content_of_which_nothing_is_readable_is_an_error():
    for payload in ({"results": [{"id": None}], "summary": {}}, {"metric": "courses"}):
        with pytest.raises(PayloadError):
            content(payload)


# Pages.


@pytest.mark.parametrize(
    "payload",
    [
        {"data": [], "pagination": {"totalItems": 41, "currentPage": 2, "totalPages": 3}},
        {"data": [], "pagination": {"count": 41, "current_page": 2, "total_pages": 3}},
        {"data": [], "pagination": {"total_records": 41, "page": 2, "total_pages": 3}},
        {"data": [], "total_records": 41, "page": 2, "total_pages": 3},
    ],
)
def test_pages_are_described_in_the_words_of_any_family(payload):
    assert courses(payload).pagination == Pagination(41, 2, 3)
