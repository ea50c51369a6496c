"""What a failure costs: of a response, an item, a collector, or the whole API for a while."""

from dataclasses import replace

import pytest
import structlog

from tests.integration.fake_api import COURSES, Fault
from tests.polling.bench import only


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_failing_for_twenty_seconds_costs_one_missed_interval(bench, acme, api, status):
    exporter = bench(acme)
    await exporter.settle()
    await exporter.pass_time(290, step=10)
    api.faults = [Fault(status=status)]
    await exporter.pass_time(20, step=5)
    api.faults, api.received = [], []
    await exporter.pass_time(330, step=10)
    polled = {r.path.rsplit("/", 2)[-2:][0] for r in api.received}
    assert len(api.received) >= 5
    assert polled
    assert await exporter.value("iblai_collector_success", collector="videos") == 1


async def test_failures_are_retried_at_the_next_interval_and_then_at_twice_the_delay(
    bench, acme, api, clock
):
    exporter = bench(replace(acme, collectors=only("videos")))
    api.faults = [Fault(status=404)]
    await exporter.settle()
    await exporter.pass_time(5 * 3600, step=10)
    at = [r.at for r in api.received]
    assert len(at) == 6  # at 0, 5, 15, 35, 75 and 155 minutes


async def test_a_failing_course_costs_only_itself_and_keeps_its_values(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    bad = COURSES[2]
    api.faults = [Fault(status=500, path=bad)]
    await exporter.pass_time(26 * 3600, step=300)
    failed = await exporter.value("iblai_collector_items_failed", collector="course_enrollments")
    assert failed == 1
    assert await exporter.value("iblai_collector_success", collector="course_enrollments") == 1
    for course in COURSES:
        if course != bad:
            assert await exporter.value("iblai_course_enrollments_7d", course_id=course) == 21
    api.faults = []
    await exporter.pass_time(7 * 3600, step=300)
    assert await exporter.value("iblai_course_enrollments_7d", course_id=bad) == 21
    assert await exporter.value("iblai_collector_items_failed", collector="course_enrollments") == 0


async def test_a_mentor_that_does_not_exist_costs_only_itself(bench, acme, api):
    exporter = bench(replace(acme, mentors=("good", "typo")))
    api.faults = [Fault(status=404, path="average-messages", org="acme")]
    api.faults[0].hits = lambda request: request.query.get("mentor_id") == "typo"
    await exporter.settle()
    assert await exporter.value("iblai_chat_sessions_7d") == 175
    assert await exporter.value("iblai_mentor_chat_sessions_7d", mentor_id="good") == 175
    assert await exporter.value("iblai_mentor_chat_sessions_7d", mentor_id="typo") is None
    assert await exporter.value("iblai_collector_items_failed", collector="mentor_chat") == 1


async def test_values_expire_after_three_intervals_without_a_success(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=500)]
    await exporter.pass_time(3 * 300 + 320, step=10)
    assert await exporter.value("iblai_enrollments_today") is None
    assert await exporter.value("iblai_enrollments_7d") == 21
    assert await exporter.value("iblai_up") == 0
    await exporter.pass_time(4 * 3600, step=60)
    assert await exporter.value("iblai_enrollments_7d") is None


async def test_an_extra_that_is_not_offered_is_one_log_line_and_no_failure(
    bench, acme, api, caplog
):
    exporter = bench(replace(acme, extras=("learning", "agents")))
    api.faults = [
        Fault(status=404, path=path)
        for path in (
            "conversation",
            "usage-summary",
            "/api/analytics/",
            "rating",
            "feedback",
            "user-metrics",
            "user-sentiment",
            "mentor-summary",
            "discussed",
        )
    ]
    with structlog.testing.capture_logs() as logs:
        await exporter.settle()
    lines = [entry for entry in logs if entry.get("extra") == "agents"]
    assert len(lines) == 1
    series = await exporter.series()
    assert not [k for k in series if ("collector", "conversations") in k[1]]
