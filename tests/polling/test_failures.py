"""What a failure costs: of a response, an item, a collector, or the whole API for a while."""

from dataclasses import replace

import pytest
import structlog

from exporter.api import endpoints
from exporter.api.client import ApiClient
from exporter.scheduler import SPREAD
from exporter.settings import ApiLimits
from tests.integration.fake_api import COURSES, Fault
from tests.polling.bench import only

OUTAGES = {
    **{str(status): Fault(status=status) for status in (401, 403, 404, 410, 429, 500, 503)},
    **{f"{status} with Retry-After": Fault(status=status, retry_after=20) for status in (429, 503)},
    "429 with an hour's Retry-After of one org": Fault(status=429, retry_after=3600, org="org0"),
}


@pytest.mark.parametrize("start", [True, False], ids=["at the start", "later"])
@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_of_twenty_seconds_costs_at_most_one_interval(
    bench, acme, api, outage, start
):
    orgs = [replace(acme, key=f"org{number}") for number in range(4)]
    healthy = bench(acme)
    await healthy.settle()
    wanted = by_labels(await healthy.values(), "acme")
    exporter = bench(*orgs, limits=ApiLimits(rate_limit=0, retries=3, concurrency=4))
    if not start:
        await exporter.settle()
        await exporter.pass_time(295, step=59)
    api.faults = [OUTAGES[outage]]
    await exporter.pass_time(20, step=2)
    api.faults = []
    await exporter.pass_time(interval_with_spread(acme), step=10)
    for org in orgs[1:] if outage.endswith("one org") else orgs:
        assert by_labels(await exporter.values(org.key), org.key) == wanted, org.key
        for name, result in exporter.pipeline.telemetry.outcomes(org.key).items():
            assert result.success, (org.key, name, result.error)
    assert not any(queue.in_flight for queue in exporter.queues())


def interval_with_spread(org):
    return org.interval * (1 + SPREAD) + 5


def by_labels(values, org):
    """Return values by name and labels but the org's."""
    return {
        (name, tuple(p for p in labels if p != ("org", org))): v
        for (name, labels), v in values.items()
    }


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


async def test_courses_that_fail_and_return_are_a_failure_and_a_success_of_their_collector(
    bench, acme, api
):
    """All courses fail before a run of all of them is due, and come back one by one."""
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=500, path="/enrollments/courses/")]
    await exporter.pass_time(26 * 3600, step=300)
    assert await exporter.value("iblai_collector_success", collector="course_enrollments") == 0
    assert await exporter.value("iblai_course_enrollments_7d", course_id=COURSES[0]) is None
    api.faults = [Fault(status=500, path=course) for course in COURSES[1:]]
    await exporter.pass_time(6.5 * 3600, step=300)
    assert await exporter.value("iblai_collector_success", collector="course_enrollments") == 1
    assert await exporter.value("iblai_course_enrollments_7d", course_id=COURSES[0]) == 21
    failing = await exporter.value("iblai_collector_items_failed", collector="course_enrollments")
    assert failing == len(COURSES) - 1


@pytest.mark.parametrize("loop", ["org", "course", "mentor", "page"])
async def test_one_failing_item_in_any_loop_costs_only_itself(bench, acme, api, loop):
    acme = replace(acme, mentors=("good", "bad"), learner_indexes=True)
    healthy = bench(acme)
    await healthy.settle()
    wanted = by_labels(await healthy.values(), "acme")
    globex = replace(acme, key="globex")
    lost = {
        "org": lambda name, labels: True,
        "course": lambda name, labels: (
            name.startswith(("iblai_course_enroll", "iblai_course_unenroll"))
            and ("course_id", COURSES[1]) in labels
        ),
        "mentor": lambda name, labels: ("mentor_id", "bad") in labels,
        "page": lambda name, labels: name.startswith("iblai_active_learner"),
    }[loop]
    fault = {
        "org": Fault(status=500, org="acme"),
        "course": Fault(status=400, org="acme", path=f"/enrollments/courses/{COURSES[1]}"),
        "mentor": Fault(status=404, org="acme", path="average-messages"),
        "page": Fault(status=500, org="acme", path="active-users/users"),
    }[loop]
    if loop == "mentor":
        hits = fault.hits
        fault.hits = lambda request: hits(request) and request.query.get("mentor_id") == "bad"
    api.faults = [fault]
    exporter = bench(acme, globex)
    await exporter.settle()
    found = by_labels(await exporter.values("acme"), "acme")
    assert found == {key: value for key, value in wanted.items() if not lost(*key)}
    assert by_labels(await exporter.values("globex"), "globex") == wanted
    assert not any(queue.in_flight for queue in exporter.queues())


async def test_an_unexpected_exception_costs_only_its_collector_or_item(
    bench, acme, api, monkeypatch
):
    orgs = [replace(acme, key=f"org{number}") for number in range(6)]
    send = ApiClient.get

    async def get(self, org, call):
        broken = call.endpoint is endpoints.VIDEOS_OVER_TIME or call.subject == COURSES[1]
        if org.key == "org0" and broken:
            raise RuntimeError("a bug, with private data")
        return await send(self, org, call)

    monkeypatch.setattr(ApiClient, "get", get)
    exporter = bench(*orgs)
    with structlog.testing.capture_logs() as logs:
        await exporter.settle()
        await exporter.pass_time(3 * 3600, step=300)
    outcomes = exporter.pipeline.telemetry.outcomes("org0")
    assert {name for name, outcome in outcomes.items() if not outcome.success} == {"videos"}
    assert "RuntimeError" in outcomes["videos"].error
    assert outcomes["course_enrollments"].items_failed == 1
    wanted = by_labels(await exporter.values("org1"), "org1")
    for org in orgs[2:]:
        assert by_labels(await exporter.values(org.key), org.key) == wanted
    lost = wanted.keys() - by_labels(await exporter.values("org0"), "org0").keys()
    assert all(
        name.startswith("iblai_video_completions") or ("course_id", COURSES[1]) in labels
        for name, labels in lost
    )
    assert "private data" not in str([{**e, "exc_info": None} for e in logs])
    assert not any(queue.in_flight for queue in exporter.queues())
