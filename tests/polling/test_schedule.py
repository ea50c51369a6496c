"""What is polled when, while nothing fails."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from tests.integration.fake_api import COURSES, Fault


async def test_all_core_values_are_served_after_one_round(bench, acme):
    exporter = bench(acme)
    assert not exporter.poller.ready
    await exporter.settle()
    assert exporter.poller.ready
    assert await exporter.value("iblai_enrollments_7d") == 21
    assert await exporter.value("iblai_enrollments_today") == 3
    assert await exporter.value("iblai_chat_sessions_28d") == 700
    assert await exporter.value("iblai_avg_messages_per_session_1d") == 4
    assert await exporter.value("iblai_course_enrollments_28d", course_id=COURSES[0]) == 84
    assert await exporter.value("iblai_up") == 1


async def test_a_day_with_defaults_and_50_courses_takes_at_most_66_requests_per_hour(
    bench, acme, api
):
    api.courses = [f"course-v1:Acme+C{number}+2026" for number in range(50)]
    exporter = bench(acme)
    await exporter.settle()
    api.received.clear()
    await exporter.pass_time(24 * 3600)
    assert len(api.received) / 24 <= 66
    assert len(api.received) / 24 > 50  # the goal is not met by not polling


async def test_days_that_no_longer_change_are_requested_once(bench, acme, api, clock):
    exporter = bench(acme)
    await exporter.settle()
    api.received.clear()
    await exporter.pass_time(2 * 3600)
    ranges = [r.days for r in api.received if "over-time" in r.path or "average" in r.path]
    today = clock.now().date()
    assert ranges
    assert {days[0] for days in ranges} == {today - timedelta(days=2)}
    assert {days[-1] for days in ranges} == {today}


async def test_days_missed_while_the_api_was_down_are_requested_once_it_is_back(
    bench, acme, api, clock
):
    exporter = bench(acme)
    await exporter.settle()
    last = clock.now().date()
    api.faults = [Fault(status=503)]
    await exporter.pass_time(3 * 86400, step=3600)
    api.faults, api.received = [], []
    await exporter.pass_time(6 * 3600, step=600)
    first = min(r.days[0] for r in api.received if "videos/over-time" in r.path)
    assert first == last - timedelta(days=2)
    assert await exporter.value("iblai_video_completions_7d") == 21


async def test_core_values_of_every_org_come_before_any_second_poll(bench, acme, api):
    orgs = [replace(acme, key=f"org{n}") for n in range(30)]
    exporter = bench(*orgs)
    await exporter.settle()
    seen = Counter()
    for request in api.received:
        if request.path.endswith("videos/over-time"):
            seen[request.org] += 1
            assert seen[request.org] == 1
    assert len(seen) == 30
