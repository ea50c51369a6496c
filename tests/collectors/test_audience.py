import statistics
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api import endpoints
from exporter.api.errors import Refused, Unavailable
from exporter.api.payloads import PayloadError
from exporter.collectors import audience
from exporter.settings import Courses
from exporter.windows import Span
from tests.collectors.conftest import (
    BROKEN,
    FORBIDDEN,
    NOT_FOUND,
    TODAY,
    FakeAsker,
    Trip,
    back,
    days_of,
    series,
)

BIO, ART = "course-v1:Acme+Bio101+2026", "Org/Art/ä"
USERS, LEARNERS = endpoints.ACTIVE_USERS_PER_COURSE, endpoints.ACTIVE_LEARNERS
OVER_TIME, OF_COURSE = endpoints.ENROLLMENTS_OVER_TIME, endpoints.COURSE_ENROLLMENTS_OVER_TIME


def users(total, **courses):
    rows = [{"course_id": BIO, "name": "Biology 101", "user_count": courses.get("bio", 8)}]
    return {"data": rows, "total": total, "meta": {"total": total, "change_range": -2}}


def by_flag(enrolled, left):
    return lambda call: (enrolled if call.query["active"] == "y" else left)(call)


# Active users.


async def test_unique_users_of_today_are_those_of_the_total(trip, api):
    api.answers[USERS] = users(5)
    assert await trip.figures(audience.active_users_today) == {"active_users_today": 5}
    assert api.asked("start_date", "end_date") == [("2026-05-06", "2026-05-06")]


async def test_each_window_is_asked_for_and_nothing_is_added_up(trip, api):
    api.answers[USERS] = lambda call: users(100 * len(days_of(call)) + back(days_of(call)[-1]))
    found = await trip.figures(audience.active_users)
    assert found == {
        "active_users_1d": 101,
        "active_users_7d": 701,
        "active_users_28d": 2801,
        "active_users_1d_baseline": 100 + statistics.median((8, 15, 22, 29)),
        "active_users_7d_baseline": 700 + statistics.median((8, 15, 22, 29)),
        f"course_active_users_1d {BIO}": 8,
        f"course_active_users_7d {BIO}": 8,
        f"course_active_users_28d {BIO}": 8,
    }
    assert len(api.calls) == 11


async def test_weeks_long_gone_are_not_asked_for_twice_on_one_day(trip, api):
    api.answers[USERS] = users(5)
    first = await trip.figures(audience.active_users)
    assert await trip.figures(audience.active_users) == first
    assert len(api.calls) == 11 + 3


async def test_a_total_that_is_not_given_is_asked_for_again(trip, api):
    api.answers[USERS] = users(None)
    found = await trip.figures(audience.active_users)
    assert set(found) == {f"course_active_users_{w} {BIO}" for w in ("1d", "7d", "28d")}
    await trip.figures(audience.active_users)
    assert len(api.calls) == 22


@pytest.mark.parametrize(("unknown", "there"), [(1, True), (2, False)])
async def test_a_baseline_wants_three_of_four_weeks(trip, api, unknown, there):
    def answer(call):
        weeks = (back(days_of(call)[-1]) - 1) // 7
        return users(None if 0 < weeks <= unknown else 5)

    api.answers[USERS] = answer
    found = await trip.figures(audience.active_users)
    assert ("active_users_7d_baseline" in found) is there


async def test_weeks_with_quiet_days_are_not_even_asked_for(trip, api):
    quiet = TODAY - timedelta(days=10)
    trip.wants(quiet_days=(Span(quiet, quiet),))
    api.answers[USERS] = users(5)
    found = await trip.figures(audience.active_users)
    assert found["active_users_7d_baseline"] == 5
    assert len(api.calls) == 10


async def test_courses_are_named_and_those_that_nobody_wants_are_left_out(trip, api):
    trip.wants(courses=Courses(exclude="Org/.*"))
    nameless = {"course_id": "x", "user_count": 1}
    api.answers[USERS] = users(5) | {
        "data": [*users(5)["data"], nameless, {"course_id": ART, "name": "Art", "user_count": 2}]
    }
    found = await trip.findings(audience.active_users)
    assert found.courses == {BIO: "Biology 101", "x": ""}


async def test_a_name_once_given_stays_if_another_window_lacks_it(trip, api):
    def answer(call):
        name = "Biology 101" if len(days_of(call)) == 1 else None
        return {"data": [{"course_id": BIO, "name": name, "user_count": 1}], "total": 1}

    api.answers[USERS] = answer
    assert (await trip.findings(audience.active_users)).courses == {BIO: "Biology 101"}


async def test_a_window_that_fails_fails_the_visit(trip, api):
    api.answers[USERS] = lambda call: BROKEN if len(days_of(call)) == 28 else users(5)
    with pytest.raises(Unavailable):
        await trip.figures(audience.active_users)


# Active learners.


def learners(*rows, total=None, **pagination):
    says = {"totalItems": len(rows) if total is None else total, "currentPage": 1, "totalPages": 1}
    return {"data": list(rows), "pagination": says | pagination}


def learner(name, engagement=0.4, performance=0.7):
    return {
        "username": name,
        "name": f"{name} Quillfeather",
        "engagement_index": engagement,
        "performance_index": performance,
    }


async def test_learners_are_counted_with_a_single_row(trip, api):
    api.answers[LEARNERS] = learners(learner("jane"), total=1250)
    assert await trip.figures(audience.active_learners) == {"active_learners": 1250}
    assert api.asked("length", "page") == [("1", None)]


async def test_indexes_are_read_only_where_an_org_asks_for_them(trip, api):
    trip.wants(learner_indexes=True)
    rows = [learner(f"jane{n}", n / 10, 1 - n / 10) for n in range(11)]
    api.answers[LEARNERS] = learners(*rows)
    found = await trip.figures(audience.active_learners)
    assert found == {
        "active_learners": 11,
        **{
            f"active_learner_{index}_index {quantile}": pytest.approx(value)
            for index, values in (("engagement", (0.1, 0.5, 0.9)), ("performance", (0.1, 0.5, 0.9)))
            for quantile, value in zip(("0.1", "0.5", "0.9"), values, strict=True)
        },
    }


async def test_nothing_that_a_visit_brings_names_a_learner(trip, api):
    trip.wants(learner_indexes=True)
    api.answers[LEARNERS] = learners(learner("jane"), {"username": None, "name": "jane"})
    found = await trip.findings(audience.active_learners)
    assert "jane" not in repr((found, list(found.samples), trip.kept)).lower()
    assert trip.flaws["active_users", "row"] == 1


async def test_a_learner_on_two_pages_counts_once(trip, api):
    trip.wants(learner_indexes=True)

    def page(call):
        if "page" not in call.query:
            return learners(learner("a", 0), learner("b", 0), total=3, totalPages=2)
        return learners(learner("b", 1), learner("c", 1), total=3, totalPages=2, currentPage=2)

    api.answers[LEARNERS] = page
    found = await trip.figures(audience.active_learners)
    assert found["active_learner_engagement_index 0.5"] == 1


async def test_indexes_of_a_group_too_small_are_kept_to_itself(trip, api):
    trip.wants(learner_indexes=True, min_group_size=3)
    api.answers[LEARNERS] = learners(learner("a"), learner("b"))
    assert await trip.figures(audience.active_learners) == {"active_learners": 2}


async def test_indexes_that_nobody_has_are_absent_and_those_of_one_are_its_own(trip, api):
    trip.wants(learner_indexes=True)
    api.answers[LEARNERS] = learners(learner("a", None, -0.5))
    found = await trip.figures(audience.active_learners)
    assert {v for name, v in found.items() if "performance" in name} == {-0.5}
    assert not any("engagement" in name for name in found)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
async def test_quantiles_lie_among_the_values_and_in_order(values):
    api = FakeAsker()
    trip = Trip(api)
    trip.wants(learner_indexes=True)
    api.answers[LEARNERS] = learners(*(learner(f"n{i}", v) for i, v in enumerate(values)))
    found = await trip.figures(audience.active_learners)
    low, middle, high = (
        found[f"active_learner_engagement_index {q}"] for q in ("0.1", "0.5", "0.9")
    )
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= low <= middle + slack
    assert middle - slack <= high <= max(values) + slack
    assert middle == pytest.approx(statistics.median(values))


# Enrolments.


async def test_enrolments_and_unenrolments_are_two_requests(trip, api):
    api.answers[OVER_TIME] = by_flag(series(3), series(1))
    found = await trip.figures(audience.enrollments)
    assert found["enrollments_7d"] == found["enrollments_7d_baseline"] == 21
    assert found["unenrollments_28d"] == 28
    assert len(found) == 10
    assert api.asked("start_date", "end_date", "active") == [
        ("2026-04-01", "2026-05-05", "y"),
        ("2026-04-01", "2026-05-05", "n"),
    ]


async def test_enrolments_of_today(trip, api):
    api.answers[OVER_TIME] = by_flag(series(3), series(None))
    with pytest.raises(PayloadError):
        await trip.figures(audience.enrollments_today)
    api.answers[OVER_TIME] = by_flag(series(3), series(0))
    assert await trip.figures(audience.enrollments_today) == {
        "enrollments_today": 3,
        "unenrollments_today": 0,
    }


async def test_the_days_of_both_are_kept_for_charts(trip, api):
    api.answers[OVER_TIME] = by_flag(series(3), series(1))
    daily = (await trip.findings(audience.enrollments)).daily
    assert {name: set(days.values()) for name, days in daily.items()} == {
        "enrollments": {3},
        "unenrollments": {1},
    }


async def test_each_known_course_is_asked_about_by_its_whole_id(trip, api):
    trip.courses = {BIO: "Biology 101", ART: "Art"}
    api.answers[OF_COURSE] = by_flag(series(2), series(0))
    found = await trip.figures(audience.course_enrollments)
    assert found[f"course_enrollments_28d {ART}"] == 56
    assert found[f"course_unenrollments_7d {BIO}"] == 0
    assert len(found) == 12
    assert len(api.calls) == 4
    assert api.asked("start_date", "end_date")[0] == ("2026-04-08", "2026-05-05")
    assert {call.names["course_id"] for call in api.calls} == {BIO, ART}


async def test_a_course_that_cannot_be_addressed_is_passed_over(trip, api):
    trip.courses = dict.fromkeys((BIO, ART), "")
    api.answers[OF_COURSE] = lambda call: (
        NOT_FOUND if call.names["course_id"] == ART else series(1)(call)
    )
    found = await trip.figures(audience.course_enrollments)
    assert {name.partition(" ")[2] for name in found} == {BIO}
    assert {call.subject for call in api.calls} == {BIO, ART}


async def test_where_no_course_can_be_addressed_the_visit_fails(trip, api):
    trip.courses = dict.fromkeys((BIO, ART), "")
    api.answers[OF_COURSE] = NOT_FOUND
    with pytest.raises(Refused) as caught:
        await trip.figures(audience.course_enrollments)
    assert caught.value is NOT_FOUND


@pytest.mark.parametrize(("error", "kind"), [(FORBIDDEN, Refused), (BROKEN, Unavailable)])
async def test_any_other_trouble_with_a_course_fails_the_visit(trip, api, error, kind):
    trip.courses = dict.fromkeys((BIO, ART), "")
    api.answers[OF_COURSE] = lambda call: (
        error if call.names["course_id"] == ART else series(1)(call)
    )
    with pytest.raises(kind):
        await trip.figures(audience.course_enrollments)


async def test_an_org_without_courses_is_asked_nothing(trip, api):
    assert await trip.figures(audience.course_enrollments) == {}
    assert api.calls == []


async def test_days_that_an_api_gives_beyond_the_range_never_count(trip, api):
    trip.courses = {BIO: ""}
    api.answers[OF_COURSE] = {
        "data": {"2026-05-05": 1, "2026-05-06": 9, "2026-01-01": 9},
        "total": 19,
    }
    found = await trip.figures(audience.course_enrollments)
    assert found[f"course_enrollments_28d {BIO}"] == 1
