"""Lists with a row for each course."""

from dataclasses import dataclass

import pytest

from exporter.api import endpoints
from exporter.collectors import engagement, grades
from tests.collectors.conftest import days_of, page
from tests.collectors.responses import ACTIVITY, ART, BIO, COMPLETION, GRADE, TIME, VIDEOS


@dataclass(frozen=True)
class Case:
    """A list, the collector that requests it, a row, and its values by metric."""

    endpoint: object
    collect: object
    row: dict
    values: dict


CASES = [
    Case(
        endpoints.COURSE_VIDEOS,
        engagement.course_videos,
        VIDEOS,
        {
            "course_videos": 12,
            "course_video_completions": 7,
            "course_video_watch_seconds": 5400,
            "course_video_watched_ratio": 41.5,
            "course_video_watch_seconds_per_learner": 900,
        },
    ),
    Case(
        endpoints.COMPLETIONS_PER_COURSE,
        engagement.course_completions,
        COMPLETION,
        {"course_enrolled_users": 40, "course_completed_users": 10, "course_completion_ratio": 25},
    ),
    Case(
        endpoints.GRADES_PER_COURSE,
        grades.course_grades,
        GRADE,
        {"course_graded_users": 40, "course_avg_grade_ratio": 71.5, "course_passed_users": 22},
    ),
    # The API does not state a unit of its times, so they are left out.
    Case(
        endpoints.COURSE_ACTIVITY,
        engagement.course_activity,
        ACTIVITY,
        {"course_activity_per_learner": 4},
    ),
    Case(
        endpoints.TIME_PER_COURSE,
        engagement.course_time,
        TIME,
        {
            "course_time_spent_7d_seconds": TIME["time_spent"],
            "course_time_spent_28d_seconds": TIME["time_spent"],
            "course_avg_time_per_learner_7d_seconds": 675,
            "course_avg_time_per_learner_28d_seconds": 675,
        },
    ),
]
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.endpoint.name)


@every
async def test_a_row_has_these_values(bench, api, case):
    api.answers[case.endpoint] = page(case.row)
    expected = {f"{name} {BIO}": value for name, value in case.values.items()}
    assert await bench.values(case.collect) == expected


async def test_the_mean_grade_of_the_org(bench, api):
    api.answers[endpoints.AVERAGE_GRADE] = {"data": {"average": 71.5}}
    assert await bench.values(grades.grade) == {"avg_grade_ratio": 71.5}


async def test_an_org_without_grades_has_no_mean_grade(bench, api):
    api.answers[endpoints.AVERAGE_GRADE] = {"data": {"average": None}}
    assert await bench.values(grades.grade) == {}


async def test_the_time_of_a_course_is_requested_for_each_window(bench, api):
    api.answers[endpoints.TIME_PER_COURSE] = lambda call: page(
        TIME | {"time_spent": 100 * len(days_of(call))}
    )
    found = await bench.values(engagement.course_time)
    assert found[f"course_time_spent_7d_seconds {BIO}"] == 700
    assert found[f"course_time_spent_28d_seconds {BIO}"] == 2800


async def test_the_mean_time_of_a_learner_is_requested_for_each_window(bench, api):
    api.answers[endpoints.TIME_PER_LEARNER] = lambda call: {
        "data": {},
        "average": 100.0 + len(days_of(call)),
    }
    assert await bench.values(engagement.time_per_learner) == {
        "avg_time_per_learner_1d_seconds": 101,
        "avg_time_per_learner_7d_seconds": 107,
        "avg_time_per_learner_28d_seconds": 128,
    }


async def test_a_mean_of_nobody_is_absent(bench, api):
    api.answers[endpoints.TIME_PER_LEARNER] = {"data": {}, "average": None}
    assert await bench.values(engagement.time_per_learner) == {}


async def test_an_org_without_courses_has_no_values_and_no_failure(bench, api):
    api.answers[endpoints.COURSE_VIDEOS] = page()
    assert await bench.values(engagement.course_videos) == {}


def courses_in(values):
    return {name.partition(" ")[2] for name in values}


@every
async def test_all_pages_are_read(bench, api, case):
    def respond(call):
        number = int(call.query.get("page", 1))
        row = case.row | {"course_id": f"c{number}"}
        return page(row, totalItems=3, totalPages=3, currentPage=number)

    bench.page_size = 1
    api.answers[case.endpoint] = respond
    assert courses_in(await bench.values(case.collect)) == {"c1", "c2", "c3"}


@every
async def test_a_row_repeated_on_a_later_page_replaces_the_earlier_one(bench, api, case):
    first = next(key for key, value in case.row.items() if type(value) in {int, float})

    def respond(call):
        number = int(call.query.get("page", 1))
        rows = case.row | {first: number}, case.row | {"course_id": f"c{number}"}
        return page(*rows, totalItems=4, totalPages=2, currentPage=number)

    api.answers[case.endpoint] = respond
    found = await bench.values(case.collect)
    assert courses_in(found) == {BIO, "c1", "c2"}
    assert 2 in {value for name, value in found.items() if name.endswith(BIO)}


@every
async def test_what_a_row_does_not_have_is_absent_and_not_0(bench, api, case):
    nothing = {key: None for key in case.row if key != "course_id"}
    api.answers[case.endpoint] = page({**nothing, "course_id": ART}, case.row)
    assert courses_in(await bench.values(case.collect)) == {BIO}


async def test_a_text_instead_of_a_number_costs_one_value_and_is_counted(bench, api):
    row = {"course_id": ART, "num_vids": 0, "num_watched": None, "time_watched": "lots"}
    api.answers[endpoints.COURSE_VIDEOS] = page(row)
    assert await bench.values(engagement.course_videos) == {f"course_videos {ART}": 0}
    assert bench.errors == {("videos", "value"): 1}


async def test_only_lists_of_the_seeds_make_courses_known(bench, api):
    for case in CASES:
        api.answers[case.endpoint] = page(case.row)
        await bench.run(case.collect)
    known = {
        name: item.courses
        for name, items in bench.snapshots.of("acme").items()
        for item in items.values()
        if item.courses
    }
    assert known == {"course_videos": {BIO: "Biology 101"}}
