"""Unique users, learners, and enrollments of courses."""

import statistics
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api import endpoints
from exporter.api.payloads import PayloadError
from exporter.collectors import audience
from exporter.history.expected import REACH
from exporter.windows import Span
from tests.collectors.conftest import (
    BROKEN,
    TODAY,
    YESTERDAY,
    Bench,
    FakeApi,
    ago,
    days_of,
    page,
    series,
)
from tests.collectors.responses import ART, BIO, learner, users

USERS, LEARNERS = endpoints.ACTIVE_USERS_PER_COURSE, endpoints.ACTIVE_LEARNERS
OF_COURSE = endpoints.COURSE_ENROLLMENTS_OVER_TIME
DAY = timedelta(days=1)


# Active users: unique, so each window is requested and nothing is added up.


async def test_active_users_of_today_are_the_total(bench, api):
    api.answers[USERS] = users(5)
    assert await bench.values(audience.active_users_today) == {"active_users_today": 5}
    assert api.requested("start_date", "end_date") == [("2026-05-06", "2026-05-06")]


async def test_each_window_is_requested_and_nothing_is_added_up(bench, api):
    api.answers[USERS] = lambda call: users(100 * len(days_of(call)) + ago(days_of(call)[-1]))
    assert await bench.values(audience.active_users) == {
        "active_users_1d": 101,
        "active_users_7d": 701,
        "active_users_28d": 2801,
        f"course_active_users_1d {BIO}": 8,
        f"course_active_users_7d {BIO}": 8,
        f"course_active_users_28d {BIO}": 8,
    }
    assert [(last - first).days for first, last in api.spans()] == [0, 6, 27]
    assert {last for _, last in api.spans()} == {YESTERDAY}


async def test_the_longer_windows_are_requested_again_only_rarely(bench, api):
    api.answers[USERS] = users(5)
    await bench.run(audience.active_users)
    lengths = []
    for _ in range(2 * audience.LONG_WINDOWS_EVERY):
        bench.advance(hours=1)
        api.calls.clear()
        await bench.run(audience.active_users)
        lengths.append(len(api.calls))
    assert lengths == ([1] * (audience.LONG_WINDOWS_EVERY - 1) + [3]) * 2


async def test_after_a_change_of_yesterday_all_windows_are_requested(bench, api):
    api.answers[USERS] = users(5)
    await bench.run(audience.active_users)
    api.calls.clear()
    api.answers[USERS] = users(6)
    await bench.run(audience.active_users)
    assert len(api.calls) == 3


async def test_on_a_new_day_all_windows_are_requested(bench, api):
    api.answers[USERS] = users(5)
    await bench.run(audience.active_users)
    bench.advance(days=1)
    api.calls.clear()
    await bench.run(audience.active_users)
    assert {last for _, last in api.spans()} == {TODAY}
    assert len(api.calls) == 3


async def test_courses_have_values_without_a_total_of_the_org(bench, api):
    api.answers[USERS] = users(None)
    found = await bench.values(audience.active_users)
    assert found.keys() == {f"course_active_users_{w} {BIO}" for w in ("1d", "7d", "28d")}


async def test_a_name_once_known_stays_if_another_window_lacks_it(bench, api):
    def respond(call):
        name = "Biology 101" if len(days_of(call)) == 1 else None
        return {"data": [{"course_id": BIO, "name": name, "user_count": 1}], "total": 1}

    api.answers[USERS] = respond
    await bench.run(audience.active_users)
    assert bench.snapshots.courses("acme") == {BIO: "Biology 101"}


# Their past: each window once, the nearest first.


async def test_the_past_of_active_users_is_requested_once_the_nearest_first_in_chunks(bench, api):
    api.answers[USERS] = lambda call: users(len(days_of(call)))
    ends, runs = [], 0
    while True:
        api.calls.clear()
        result = await bench.run(audience.past_active_users)
        runs += 1
        assert len(api.calls) <= audience.PAST_PER_RUN
        ends += [last for _, last in api.spans()]
        if not result.again:
            break
    assert len(ends) == audience.past_requests() == REACH + REACH // 7
    assert runs == -(-len(ends) // audience.PAST_PER_RUN)
    assert ends == sorted(ends, reverse=True)
    assert ends[0] == YESTERDAY - DAY
    api.calls.clear()
    await bench.run(audience.past_active_users)
    assert api.calls == []


async def test_the_past_covers_every_day_and_the_weeks_that_end_on_the_same_weekday(bench, api):
    api.answers[USERS] = lambda call: users(len(days_of(call)))
    while (await bench.run(audience.past_active_users)).again:
        pass
    of_days = bench.history.series("acme", "active_users")
    of_weeks = bench.history.series("acme", "active_users_7d")
    past = Span(YESTERDAY - DAY * REACH, YESTERDAY - DAY)
    assert {of_days.get(day) for day in past} == {1}
    weeks = [day for day, value in of_weeks.items() if value == 7]
    assert {day.weekday() for day in weeks} == {YESTERDAY.weekday()}
    assert len(weeks) == REACH // 7


async def test_on_later_days_only_days_that_are_new_in_the_past_are_requested(bench, api):
    api.answers[USERS] = users(5)
    while (await bench.run(audience.past_active_users)).again:
        pass
    await bench.run(audience.active_users)
    api.calls.clear()
    bench.advance(days=1)
    await bench.run(audience.active_users)
    api.calls.clear()
    await bench.run(audience.past_active_users)
    # Yesterday was requested when it was new; the weeks of another weekday were not.
    assert {(last - first).days for first, last in api.spans()} == {6}


async def test_the_expected_range_of_active_users_follows_from_the_past(bench, api):
    api.answers[USERS] = users(5)
    assert (await bench.run(audience.past_active_users)).history_of == ("active_users",)


# Active learners.


def learners(*rows, total=None, **pagination):
    return page(*rows, totalItems=len(rows) if total is None else total, **pagination)


async def test_learners_are_counted_with_a_single_row(bench, api):
    api.answers[LEARNERS] = learners(learner("jane"), total=1250)
    assert await bench.values(audience.active_learners) == {"active_learners": 1250}
    assert api.requested("length", "page") == [("1", None)]


async def test_indexes_are_requested_only_if_configured(bench, api):
    bench.configure(learner_indexes=True)
    rows = [learner(f"jane{n}", n / 10, 1 - n / 10) for n in range(11)]
    api.answers[LEARNERS] = learners(*rows)
    assert await bench.values(audience.active_learners) == {
        "active_learners": 11,
        **{
            f"active_learner_{index}_index {quantile}": pytest.approx(value)
            for index in ("engagement", "performance")
            for quantile, value in {"0.1": 0.1, "0.5": 0.5, "0.9": 0.9}.items()
        },
    }


async def test_no_result_names_a_learner(bench, api):
    bench.configure(learner_indexes=True)
    api.answers[LEARNERS] = learners(learner("jane"), {"username": None, "name": "jane"})
    result = await bench.run(audience.active_learners)
    assert "jane" not in repr((result, bench.snapshots.of("acme"))).lower()
    assert bench.errors["active_users", "row"] == 1


async def test_a_learner_on_two_pages_counts_once(bench, api):
    bench.configure(learner_indexes=True)

    def respond(call):
        if "page" not in call.query:
            return learners(learner("a", 0), learner("b", 0), total=3, totalPages=2)
        return learners(learner("b", 1), learner("c", 1), total=3, totalPages=2, currentPage=2)

    api.answers[LEARNERS] = respond
    found = await bench.values(audience.active_learners)
    assert found["active_learner_engagement_index 0.5"] == 1


async def test_an_index_that_nobody_has_is_absent(bench, api):
    bench.configure(learner_indexes=True)
    api.answers[LEARNERS] = learners(learner("a", None, -0.5))
    found = await bench.values(audience.active_learners)
    assert {v for name, v in found.items() if "performance" in name} == {-0.5}
    assert not any("engagement" in name for name in found)


@given(values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
async def test_quantiles_lie_among_the_values_and_in_order(values):
    bench = Bench(FakeApi())
    bench.configure(learner_indexes=True)
    bench.api.answers[LEARNERS] = learners(*(learner(f"n{i}", v) for i, v in enumerate(values)))
    found = await bench.values(audience.active_learners)
    low, middle, high = (
        found[f"active_learner_engagement_index {q}"] for q in ("0.1", "0.5", "0.9")
    )
    slack = 1e-9 * max(map(abs, values))
    assert min(values) - slack <= low <= middle + slack
    assert middle - slack <= high <= max(values) + slack
    assert middle == pytest.approx(statistics.median(values))


# Registered users.


async def test_registered_users_are_counted_with_a_single_row_and_no_name(bench, api):
    row = {"username": "jane.doe", "full_name": "Jane Doe", "time_spent": "12"}
    api.answers[endpoints.REGISTERED_USERS] = {"data": [row], "pagination": {"totalItems": 1250}}
    result = await bench.run(audience.registered_users)
    assert bench.served(audience.registered_users) == {"registered_users": 1250}
    assert "jane" not in repr(result).lower()
    assert api.requested("length", "page") == [("1", None)]


@pytest.mark.parametrize("response", [{"data": []}, {"pagination": {}}, []])
async def test_a_list_without_its_length_is_a_payload_error(bench, api, response):
    api.answers[endpoints.REGISTERED_USERS] = response
    with pytest.raises(PayloadError):
        await bench.values(audience.registered_users)


# Enrollments of courses; failing courses are in test_isolation.py.


def by_flag(enrolled, left):
    return lambda call: (enrolled if call.query["active"] == "y" else left)(call)


async def test_each_known_course_is_requested_by_its_whole_id(bench, api):
    bench.courses = (BIO, ART)
    api.answers[OF_COURSE] = by_flag(series(2), series(0))
    found = await bench.values(audience.course_enrollments)
    assert found[f"course_enrollments_28d {ART}"] == 56
    assert found[f"course_unenrollments_7d {BIO}"] == 0
    assert len(found) == 12
    assert len(api.calls) == 4
    assert set(api.requested("start_date", "end_date")) == {("2026-04-08", "2026-05-06")}
    assert {call.path_params["course_id"] for call in api.calls} == {BIO, ART}
    assert {call.subject for call in api.calls} == {BIO, ART}


async def test_of_each_course_only_days_that_can_still_change_are_requested_later(bench, api):
    bench.courses = (BIO,)
    api.answers[OF_COURSE] = by_flag(series(2), series(0))
    await bench.run(audience.course_enrollments)
    api.calls.clear()
    bench.courses = (BIO, ART)
    await bench.run(audience.course_enrollments)
    first = {call.path_params["course_id"]: call.query["start_date"] for call in api.calls}
    assert first == {BIO: "2026-05-04", ART: "2026-04-08"}


async def test_a_course_that_is_gone_leaves_neither_values_nor_history(bench, api):
    bench.courses = (BIO, ART)
    api.answers[OF_COURSE] = by_flag(series(2), series(0))
    await bench.run(audience.course_enrollments)
    bench.courses = (ART,)
    await bench.run(audience.course_enrollments)
    assert not [name for name in bench.served(audience.course_enrollments) if BIO in name]
    assert bench.history.parts("acme", "course_enrollments") == (ART,)


async def test_an_org_without_courses_sends_no_request(bench, api):
    result = await bench.run(audience.course_enrollments)
    assert (result.items, result.failed, api.calls) == ({}, {}, [])


async def test_days_beyond_the_range_never_count_for_a_course(bench, api):
    bench.courses = (BIO,)
    api.answers[OF_COURSE] = {
        "data": {"2026-05-05": 1, "2026-05-06": 9, "2026-05-07": 9, "2026-01-01": 9},
        "total": 28,
    }
    found = await bench.values(audience.course_enrollments)
    assert found[f"course_enrollments_28d {BIO}"] == 1


async def test_one_of_the_two_requests_of_a_course_failing_fails_the_course(bench, api):
    bench.courses = (BIO, ART)
    api.answers[OF_COURSE] = by_flag(series(2), series(0))
    api.fails = lambda call: (
        BROKEN if call.path_params["course_id"] == BIO and call.query["active"] == "n" else None
    )
    result = await bench.run(audience.course_enrollments)
    assert result.failed == {BIO: BROKEN}
    assert result.items.keys() == {ART}
