"""Figures with a row for each course."""

import pytest

from exporter.api import endpoints
from exporter.api.errors import Unavailable
from exporter.collectors import engagement, performance
from exporter.settings import Courses
from tests.collectors.conftest import BROKEN, days_of

ART, BIO = "course-v1:Acme+Art+2026", "course-v1:Acme+Bio101+2026"


def page(*rows):
    return {"data": list(rows), "pagination": {"totalItems": len(rows), "totalPages": 1}}


COMPLETION = {
    "course_id": ART,
    "name": "Art",
    "enrollments": 40,
    "completions": 10,
    "average": 25.0,
}
GRADE = {
    "name": "Art",
    "course_id": ART,
    "num_enrollments": 40,
    "num_passed": 22,
    "avg_grade": 71.5,
}
ACTIVITY = {
    "course_id": ART,
    "course_start": "2026-01-01",
    "course_end": "",
    "average_days": 4,
    "average_time_spent": 3600.0,
    "name": "Art",
}
TIME = {"name": "Art", "course_id": ART, "time_spent": 5400, "average_time": 675.0}


async def test_users_of_a_course_and_how_many_completed_it(trip, api):
    api.answers[endpoints.COMPLETIONS_PER_COURSE] = page(COMPLETION)
    assert await trip.figures(engagement.course_completions) == {
        f"course_enrolled_users {ART}": 40,
        f"course_completed_users {ART}": 10,
        f"course_completion_ratio {ART}": 0.25,
    }


async def test_the_mean_grade_of_a_course_and_how_many_passed(trip, api):
    api.answers[endpoints.GRADES_PER_COURSE] = page(GRADE)
    assert await trip.figures(performance.course_grades) == {
        f"course_avg_grade_ratio {ART}": 0.715,
        f"course_passed_users {ART}": 22,
    }


async def test_the_grade_of_a_few_is_kept_to_them(trip, api):
    trip.wants(min_group_size=41)
    api.answers[endpoints.GRADES_PER_COURSE] = page(
        GRADE, GRADE | {"course_id": BIO, "num_enrollments": 41}, GRADE | {"course_id": "x"}
    )
    found = await trip.figures(performance.course_grades)
    assert {name.partition(" ")[2] for name in found} == {BIO}
    api.answers[endpoints.GRADES_PER_COURSE] = page(GRADE | {"num_enrollments": None})
    assert await trip.figures(performance.course_grades) == {}


async def test_the_mean_grade_of_the_org(trip, api):
    api.answers[endpoints.AVERAGE_GRADE] = {"data": {"average": 71.5}}
    assert await trip.figures(performance.grade) == {"avg_grade_ratio": 0.715}


async def test_an_org_without_grades_has_no_mean_grade(trip, api):
    api.answers[endpoints.AVERAGE_GRADE] = {"data": {"average": None}}
    assert await trip.figures(performance.grade) == {}


async def test_shares_of_an_api_that_gives_ratios_are_taken_as_they_are(trip, api):
    trip.wants(percentages="ratio")
    api.answers[endpoints.COMPLETIONS_PER_COURSE] = page(COMPLETION | {"average": 0.25})
    api.answers[endpoints.GRADES_PER_COURSE] = page(GRADE | {"avg_grade": 0.715})
    api.answers[endpoints.AVERAGE_GRADE] = {"data": {"average": 0.7}}
    found = {}
    for collector in (
        engagement.course_completions,
        performance.course_grades,
        performance.grade,
    ):
        found |= await trip.figures(collector)
    assert found[f"course_completion_ratio {ART}"] == 0.25
    assert found[f"course_avg_grade_ratio {ART}"] == 0.715
    assert found["avg_grade_ratio"] == 0.7


async def test_days_on_which_a_learner_comes_but_no_time_of_unknown_unit(trip, api):
    api.answers[endpoints.COURSE_ACTIVITY] = page(ACTIVITY)
    found = await trip.figures(engagement.course_activity)
    assert found == {f"course_visits_per_learner {ART}": 4}


async def test_the_time_of_a_course_is_asked_for_week_by_week(trip, api):
    api.answers[endpoints.TIME_PER_COURSE] = lambda call: page(
        TIME | {"time_spent": 100 * len(days_of(call))}
    )
    assert await trip.figures(engagement.course_time) == {
        f"course_time_spent_seconds_7d {ART}": 700,
        f"course_time_spent_seconds_28d {ART}": 2800,
        f"course_avg_time_per_learner_seconds_7d {ART}": 675,
        f"course_avg_time_per_learner_seconds_28d {ART}": 675,
    }


COLLECTORS = {
    endpoints.COMPLETIONS_PER_COURSE: (engagement.course_completions, COMPLETION),
    endpoints.GRADES_PER_COURSE: (performance.course_grades, GRADE),
    endpoints.COURSE_ACTIVITY: (engagement.course_activity, ACTIVITY),
    endpoints.TIME_PER_COURSE: (engagement.course_time, TIME),
}
each = pytest.mark.parametrize("endpoint", COLLECTORS, ids=lambda endpoint: endpoint.name)


@each
async def test_courses_that_nobody_wants_are_left_out_and_no_course_is_made_known(
    trip, api, endpoint
):
    collector, row = COLLECTORS[endpoint]
    trip.wants(courses=Courses(exclude=".*Bio.*"))
    api.answers[endpoint] = page(row, row | {"course_id": BIO})
    found = await trip.findings(collector)
    assert {labels for _, rows in found.samples for labels in rows} == {(ART,)}
    assert found.courses == {}


@each
async def test_all_pages_are_read_and_a_page_that_fails_fails_the_visit(trip, api, endpoint):
    collector, row = COLLECTORS[endpoint]

    def answer(call):
        number = int(call.query.get("page", 1))
        pagination = {"totalItems": 2, "currentPage": number, "totalPages": 2}
        return {"data": [row | {"course_id": f"c{number}"}], "pagination": pagination}

    trip.page_size = 1
    api.answers[endpoint] = answer
    found = await trip.findings(collector)
    assert {labels for _, rows in found.samples for labels in rows} == {("c1",), ("c2",)}
    api.answers[endpoint] = lambda call: BROKEN if "page" in call.query else answer(call)
    with pytest.raises(Unavailable):
        await trip.findings(collector)


@each
async def test_what_a_row_does_not_give_is_absent_and_not_0(trip, api, endpoint):
    collector, row = COLLECTORS[endpoint]
    nothing = {key: None for key in row if key != "course_id"}
    api.answers[endpoint] = page({**nothing, "course_id": BIO}, row)
    found = await trip.figures(collector)
    assert found
    assert not [name for name in found if name.endswith(BIO)]
