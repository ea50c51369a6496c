"""Values from the seeds' endpoints, or from the newer family."""

from collections import Counter

from tests.integration.fake_api import COURSES, Fault


async def test_gauges_continue_from_the_newer_family_once_the_seeds_are_gone_and_return(
    bench, acme, api
):
    exporter = bench(acme)
    await exporter.settle()
    before = await exporter.series()
    gone = Fault(status=404, path="/api/ai-analytics/")
    api.faults = [gone]
    await exporter.pass_time(25 * 60, step=10)
    chat = {"collector": "chat", "generation": "v2"}
    assert await exporter.value("iblai_collector_source_info", **chat) == 1
    await exporter.pass_time(5 * 24 * 3600, step=300)
    for name in (
        "chat_sessions_7d",
        "avg_messages_per_session_7d",
        "chat_sessions_today",
        "active_users_7d",
        "active_users_today",
        "enrollments_28d",
        "enrollments_today",
    ):
        key = (f"iblai_{name}", (("org", "acme"),))
        assert (await exporter.series()).get(key) == before[key], name
    course = {"course_id": COURSES[0]}
    assert await exporter.value("iblai_course_enrollments_7d", **course) == 21
    assert await exporter.value("iblai_up") == 1
    api.received.clear()
    await exporter.pass_time(600, step=10)
    asked = Counter(r.path.split("/")[2] for r in api.received if "session" in r.path)
    assert asked["analytics"] > 0
    assert asked["ai-analytics"] <= 1
    api.faults = []
    await exporter.pass_time(2 * 3600, step=60)
    chat = {"collector": "chat", "generation": "seeds"}
    assert await exporter.value("iblai_collector_source_info", **chat) == 1
    # Days that came from the newer family have sessions and no messages: both are requested again.
    await exporter.pass_time(24 * 3600, step=300)
    for window in ("1d", "7d", "28d"):
        name = f"avg_messages_per_session_{window}"
        assert await exporter.value(f"iblai_{name}") == before[f"iblai_{name}", (("org", "acme"),)]


async def test_a_404_that_does_not_last_changes_no_source(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=404, path="/api/ai-analytics/")]
    await exporter.pass_time(310, step=10)
    api.faults = []
    await exporter.pass_time(900, step=10)
    info = {"collector": "chat", "generation": "v2"}
    assert await exporter.value("iblai_collector_source_info", **info) is None


async def test_the_seeds_are_back_at_once_after_the_whole_api_returned_404(bench, api, acme):
    """Then the newer family fails, too, which says nothing about the seeds."""
    b = bench(acme)
    await b.settle()
    api.faults = [Fault(status=404)]
    await b.pass_time(3600)
    api.faults = []
    api.received.clear()
    await b.pass_time(3 * 3600)
    chat = [r for r in api.received if r.path.endswith("average-messages-per-session/")]
    assert chat
    assert not [r for r in api.received if "/api/analytics/" in r.path]
    source = "iblai_collector_source_info"
    assert await b.value(source, collector="chat", generation="seeds") == 1


async def test_a_course_that_does_not_exist_changes_no_source(bench, acme, api):
    exporter = bench(acme)
    api.faults = [Fault(status=404, path=f"/enrollments/courses/{COURSES[1]}")]
    await exporter.settle()
    await exporter.pass_time(26 * 3600, step=300)
    source = {"collector": "course_enrollments", "generation": "seeds"}
    assert await exporter.value("iblai_collector_source_info", **source) == 1
    assert await exporter.value("iblai_course_enrollments_7d", course_id=COURSES[0]) == 21


SEEDS_GONE = Fault(status=404, path="/api/ai-analytics/")
CORE = ("active_users_today", "active_users_7d", "enrollments_7d", "chat_sessions_7d")


async def values(exporter):
    return [await exporter.value(f"iblai_{name}") for name in CORE]


async def test_a_deployment_without_the_seeds_has_values_within_two_minutes_of_the_first_start(
    bench, acme, api
):
    api.faults = [SEEDS_GONE]
    exporter = bench(acme)
    await exporter.pass_time(20, step=5)
    assert await values(exporter) == [None] * 4  # a short outage is no reason
    await exporter.pass_time(100, step=5)
    assert None not in await values(exporter)
    assert await exporter.value("iblai_up") == 1


async def test_a_restart_goes_on_with_the_newer_family(bench, acme, api, clock, tmp_path):
    api.faults = [SEEDS_GONE]
    first = bench(acme, state_dir=tmp_path)
    await first.pass_time(1200, step=10)
    before = await values(first)
    assert None not in before
    await first.pipeline.close()
    clock.advance(30)
    api.received.clear()
    second = bench(acme, state_dir=tmp_path)
    source = {"collector": "chat", "generation": "v2"}
    assert await second.value("iblai_collector_source_info", **source) == 1
    for _ in range(30):
        await second.pass_time(60, step=10)
        assert await values(second) == before
        assert await second.value("iblai_up") == 1
    asked = [r for r in api.received if r.path.endswith("average-messages-per-session/")]
    assert len(asked) <= 1  # every 12th time
