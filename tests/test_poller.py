import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalog, collectors
from exporter.api.errors import Kind, RateLimited, Refused, Unavailable
from exporter.collectors import Rhythm
from exporter.poller import Poller
from exporter.settings import ApiLimits, Courses, Org
from tests.conftest import FakeClock

ACME = Org(key="acme", user_id="ops")
VIDEOS = replace(ACME, collectors={name: name == "videos" for name in collectors.NAMES})
BY_NAME = {collector.name: collector for collector in collectors.COLLECTORS}


class SettableClock(FakeClock):
    """A wall clock that somebody sets; the monotonic one does not notice."""

    def set(self, seconds):
        self._now += timedelta(seconds=seconds)


class FakeApi:
    """Answers every endpoint for every org; `failures` by org or endpoint are raised instead."""

    def __init__(self, courses=("bio", "art")):
        self.course_ids = courses
        self.failures = {}
        self.calls = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.running = 0
        self.most = 0

    async def get(self, account, call):
        self.asked.set()
        self.calls.append((account.key, call.endpoint.name, dict(call.query), dict(call.names)))
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        for name in (account.key, call.endpoint.name, (account.key, call.endpoint.name)):
            failure = self.failures.get(name)
            if isinstance(failure, bytes):
                return failure
            if failure is not None:
                raise failure
        return json.dumps(self.answer(call)).encode()

    def answer(self, call):
        rows = [{"course_id": c, "name": c.title(), "user_count": 3} for c in self.course_ids]
        match call.endpoint.name:
            case "active_users_per_course":
                return {"data": rows, "total": 5}
            case "active_users":
                return {"data": [], "pagination": {"totalItems": 4}}
            case "videos":
                return {"data": rows, "pagination": {"totalItems": len(rows), "totalPages": 1}}
            case "average_messages_per_session":
                return []
            case _:
                return {"data": {}, "total": 0}


@pytest.fixture
def clock():
    return SettableClock()


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def poller(api, store, telemetry, clock):
    return Poller(api=api, store=store, telemetry=telemetry, limits=ApiLimits(), clock=clock)


async def run(poller, org, *names):
    for name in names or [c.name for c in collectors.of(org)]:
        await poller.run(org.key, BY_NAME[name])


async def turns(condition):
    """Give the event loop turns until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the fakes know no events
            await asyncio.sleep(0)


def figures(store, telemetry):
    telemetry.flush()
    text = b"".join(line for _, found in store.pieces(catalog.METRICS) for line in found).decode()
    return {
        (s.name, tuple(v for _, v in sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


async def test_a_visit_makes_a_snapshot_and_says_when_it_succeeded(poller, store, telemetry, clock):
    poller.set_orgs([ACME])
    await run(poller, ACME, "active_users_today")
    found = figures(store, telemetry)
    assert found["iblai_active_users_today", ("acme",)] == 5
    at = found["iblai_collector_last_success_timestamp_seconds", ("active_users_today", "acme")]
    assert at == clock.now().timestamp()


async def test_a_failure_keeps_the_last_snapshot_until_it_is_too_old(
    poller, api, store, telemetry, clock
):
    poller.set_orgs([ACME])
    await run(poller, ACME, "active_users_today")
    api.failures["acme"] = Unavailable("acme: broken", kind=Kind.SERVER_ERROR, status=500)
    clock.advance(ACME.interval)
    await run(poller, ACME, "active_users_today")
    found = figures(store, telemetry)
    assert found["iblai_active_users_today", ("acme",)] == 5
    assert found["iblai_collector_success", ("active_users_today", "acme")] == 0
    assert found["iblai_up", ("acme",)] == 0
    clock.advance(2 * ACME.interval)
    store.expire(clock.monotonic())
    assert ("iblai_active_users_today", ("acme",)) not in figures(store, telemetry)


async def test_one_org_and_one_endpoint_cost_nobody_else_anything(poller, api, store, telemetry):
    orgs = [ACME, replace(ACME, key="globex"), replace(ACME, key="initech")]
    poller.set_orgs(orgs)
    api.failures["globex"] = Refused("globex: no", kind=Kind.UNAUTHORIZED, status=401)
    api.failures["initech", "videos_over_time"] = b"<html>"
    for org in orgs:
        await run(poller, org)
    found = figures(store, telemetry)
    assert found["iblai_up", ("acme",)] == 1
    assert found["iblai_up", ("globex",)] == 0
    assert found["iblai_up", ("initech",)] == 1
    own = {name for name, labels in found if labels[-1] == "acme"}
    assert {name for name, labels in found if labels[-1] == "initech"} == own - {
        "iblai_video_completions_today",
        *(m for m in own if m.startswith("iblai_video_completions")),
    }
    key = "iblai_exporter_payload_errors_total", ("videos_over_time", "initech", "unreadable")
    assert found[key] == 2


async def test_an_unforeseen_exception_ends_in_a_failure_that_does_not_quote_it(
    poller, api, telemetry
):
    poller.set_orgs([ACME])
    api.failures["acme"] = RuntimeError("the body was: secret things")
    await run(poller, ACME, "videos")
    error = telemetry.outcome("acme", "videos").error
    assert "RuntimeError" in error
    assert "secret" not in error


async def test_what_was_held_back_was_no_attempt(poller, api, telemetry, clock):
    poller.set_orgs([ACME])
    await run(poller, ACME, "videos")
    before = telemetry.outcome("acme", "videos")
    clock.advance(60)
    api.failures["acme"] = RateLimited("acme: wait", retry_at=5.0, asked=False)
    await run(poller, ACME, "videos")
    after = telemetry.outcome("acme", "videos")
    assert not after.success
    assert after.last_attempt == before.last_attempt


async def test_runs_of_a_collector_never_overlap(poller, api):
    poller.set_orgs([ACME])
    api.gate.clear()
    first = asyncio.create_task(run(poller, ACME, "videos"))
    await asyncio.sleep(0)
    await asyncio.wait_for(run(poller, ACME, "videos"), 1)
    api.gate.set()
    await first
    assert api.most == 1
    assert len(api.calls) == 1


async def test_a_run_that_came_due_meanwhile_is_counted_and_made_up_for(
    poller, api, store, telemetry
):
    poller.set_orgs([VIDEOS])
    api.gate.clear()
    first = asyncio.create_task(run(poller, VIDEOS, "videos"))
    await asyncio.sleep(0)
    await poller.begin("acme", Rhythm.HISTORY)
    await poller.begin("acme", Rhythm.HISTORY)
    api.gate.set()
    await first
    assert len(api.calls) == 2
    assert (
        "iblai_exporter_scheduler_missed_runs_total 2.0" in telemetry.process_text("text").decode()
    )


async def test_runs_that_are_late_for_ever_are_made_up_for_one_after_the_other(poller, api):
    poller.set_orgs([ACME])
    watch = poller._watches["acme"]

    async def answer(account, call):
        api.calls.append(call)
        if len(api.calls) < 2000:
            watch.due_again.add("videos")
        return b'{"data": {}, "total": 0}'

    api.get = answer
    await run(poller, ACME, "videos")
    assert len(api.calls) == 2000


async def test_an_org_that_changes_while_it_is_visited_is_visited_anew_at_once(
    poller, api, telemetry
):
    poller.set_orgs([ACME])
    api.gate.clear()
    first = asyncio.create_task(run(poller, ACME, "videos"))
    await asyncio.sleep(0)
    poller.set_orgs([replace(VIDEOS, user_id="somebody-else")])
    await poller.begin("acme", Rhythm.HISTORY)
    api.gate.set()
    await asyncio.wait_for(first, 5)
    while poller._runs:
        await asyncio.wait(poller._runs, timeout=5)
    assert telemetry.outcome("acme", "videos").success


async def test_a_round_begins_each_collector_of_its_rhythm_and_waits_for_none(poller, api):
    poller.set_orgs([ACME])
    api.gate.clear()
    await poller.begin("acme", Rhythm.TODAY)
    today = [collector for collector in collectors.of(ACME) if collector.rhythm is Rhythm.TODAY]
    await turns(lambda: len(api.calls) == len(today))
    assert {name for _, name, *_ in api.calls} == {c.endpoint.name for c in today}
    await poller.close()


async def test_figures_of_today_of_the_next_org_wait_only_for_those_of_the_one_before(
    poller, clock
):
    orgs = [ACME, replace(ACME, key="globex")]
    poller.set_orgs(orgs)
    poller.start()
    today = [c for c in collectors.of(ACME) if c.rhythm is Rhythm.TODAY]
    requests = sum(collector.requests(ACME, courses=0) for collector in today)
    start = poller.next_visit("globex", "videos_today") - clock.now()
    assert start == timedelta(seconds=requests / ApiLimits().rate_limit)
    await poller.close()


async def test_one_that_hangs_is_missed_alone_and_the_others_are_begun_again(
    poller, api, telemetry
):
    two = {name: name in {"videos", "active_learners"} for name in collectors.NAMES}
    org = replace(ACME, collectors=two)
    poller.set_orgs([org])
    hanging, answer = asyncio.Event(), api.get

    async def hang(account, call):
        if call.endpoint.name == "videos_over_time":
            await hanging.wait()
        return await answer(account, call)

    api.get = hang
    for rounds in range(1, 4):
        await poller.begin("acme", Rhythm.HISTORY)
        running = poller._watches["acme"].running
        await turns(lambda rounds=rounds, on=running: len(api.calls) == rounds and len(on) == 1)
    assert [name for _, name, *_ in api.calls] == ["active_users"] * 3
    assert b"missed_runs_total 2.0" in telemetry.process_text("text")
    await poller.close()


@pytest.mark.parametrize("jump", [-3600, -86400 * 365, -6])
async def test_the_schedule_follows_a_clock_that_is_set_back(poller, clock, jump):
    poller.set_orgs([ACME])
    poller.start()
    before = poller.next_visit("acme", "videos")
    clock.set(jump)
    poller.look()
    assert poller.next_visit("acme", "videos") == before + timedelta(seconds=jump)
    poller.look()
    assert poller.next_visit("acme", "videos") == before + timedelta(seconds=jump)
    await poller.close()


@pytest.mark.parametrize(("slept", "woken"), [(3600, True), (60, True), (10, False), (12, False)])
async def test_after_a_sleep_of_the_machine_what_came_due_is_not_waited_for(
    poller, clock, slept, woken
):
    """Timers only count the time that a machine is awake."""
    woke = []
    poller.set_orgs([ACME])
    poller.start()
    poller._scheduler.wakeup = lambda: woke.append(True)
    clock.advance(slept)
    poller.look()
    assert bool(woke) == woken
    poller.look()
    assert len(woke) <= 1
    await poller.close()


@pytest.mark.parametrize("jump", [3600, 86400 * 365, 4, -4])
async def test_a_clock_set_forward_or_hardly_at_all_leaves_the_schedule_alone(poller, clock, jump):
    poller.set_orgs([ACME])
    poller.start()
    before = poller.next_visit("acme", "videos")
    clock.set(jump)
    poller.look()
    assert poller.next_visit("acme", "videos") == before
    await poller.close()


async def test_what_is_too_old_goes_though_nobody_asks(poller, store, telemetry, clock):
    poller.set_orgs([ACME])
    await run(poller, ACME, "videos_today")
    clock.advance(899)
    poller.look()
    assert store.get("acme", "videos_today") is not None
    clock.advance(1)
    poller.look()
    assert store.get("acme", "videos_today") is None
    assert figures(store, telemetry)["iblai_collector_series", ("videos_today", "acme")] == 0


async def test_at_the_end_visits_under_way_end_before_the_scheduler_would_end_them(poller, api):
    poller.set_orgs([replace(ACME, key=f"org-{number}") for number in range(20)])
    failed = []
    poller._scheduler.add_listener(failed.append, EVENT_JOB_ERROR)
    api.gate.clear()
    poller.start()
    await turns(lambda: api.running >= 20)
    await poller.close()
    await asyncio.sleep(0.01)
    assert api.running == 0
    assert failed == []


async def test_a_missed_run_is_counted(poller, telemetry):
    poller.set_orgs([VIDEOS])
    rounds = JobExecutionEvent(EVENT_JOB_MISSED, "acme/HISTORY", None, datetime.now(UTC))
    poller._not_run(rounds)
    assert b"missed_runs_total 1.0" in telemetry.process_text("text")


async def test_a_visit_that_takes_too_long_is_broken_off(api, store, telemetry, clock):
    limits = ApiLimits(timeout=0.001)
    org = replace(ACME, interval=0.01)
    poller = Poller(api=api, store=store, telemetry=telemetry, limits=limits, clock=clock)
    poller.set_orgs([org])
    api.gate.clear()
    await asyncio.wait_for(run(poller, org, "videos_today"), 5)
    assert "broken off" in telemetry.outcome("acme", "videos_today").error


async def test_an_org_that_goes_vanishes_at_once_and_its_visits_end(poller, api, store, telemetry):
    globex = replace(ACME, key="globex")
    poller.set_orgs([ACME, globex])
    await run(poller, ACME)
    await run(poller, globex)
    api.gate.clear()
    under_way = asyncio.create_task(run(poller, ACME, "videos"))
    await asyncio.sleep(0)
    poller.set_orgs([globex])
    await asyncio.wait_for(under_way, 1)
    found = figures(store, telemetry)
    assert found
    assert not [labels for _, labels in found if "acme" in labels]
    assert found["iblai_active_users_today", ("globex",)] == 5


async def test_orgs_that_did_not_change_keep_schedule_and_snapshots(poller, store, telemetry):
    globex = replace(ACME, key="globex")
    poller.set_orgs([ACME, globex])
    await run(poller, ACME, "videos")
    due = poller.next_visit("acme", "videos")
    snapshot = store.get("acme", "videos")
    poller.set_orgs([ACME, replace(globex, interval=60.0)])
    assert poller.next_visit("acme", "videos") == due
    assert store.get("acme", "videos") is snapshot


async def test_a_collector_that_is_switched_off_takes_its_series_along(poller, store, telemetry):
    poller.set_orgs([ACME])
    await run(poller, ACME)
    poller.set_orgs([replace(ACME, collectors={"videos": False})])
    names = {name for name, _ in figures(store, telemetry)}
    assert "iblai_video_completions_7d" not in names
    assert "iblai_active_users_7d" in names


async def test_new_labels_leave_no_series_with_the_old(poller, store, telemetry):
    poller.set_orgs([ACME])
    await run(poller, ACME, "videos_today")
    changed = replace(ACME, labels={"campus": "north"})
    poller.set_orgs([changed])
    await run(poller, changed, "videos_today")
    found = figures(store, telemetry)
    assert found["iblai_video_completions_today", ("north", "acme")] == 0
    assert all(labels[0] == "north" or "north" in labels for _, labels in found)


async def test_ready_means_that_every_org_has_been_tried_whatever_came_of_it(poller, api):
    globex = replace(ACME, key="globex")
    poller.set_orgs([ACME, globex])
    api.failures["globex"] = Unavailable("globex: down", kind=Kind.CONNECTION)
    assert not poller.ready
    await run(poller, ACME)
    assert (poller.ready, poller.untried) == (False, 1)
    await run(poller, globex)
    assert poller.ready


@pytest.mark.parametrize("code", ["timeout", "429"])
async def test_an_org_that_lets_itself_be_waited_for_keeps_nobody_from_being_ready(
    poller, telemetry, code
):
    globex = replace(ACME, key="globex")
    poller.set_orgs([ACME, globex])
    telemetry.requested("acme", "videos_over_time", code, 30.0)
    assert (poller.ready, poller.untried) == (False, 1)
    await run(poller, globex)
    assert poller.ready


async def test_an_org_to_which_one_thing_is_refused_has_not_been_tried_with_that(
    poller, api, telemetry
):
    poller.set_orgs([ACME])
    api.failures["acme"] = Refused("acme: no", kind=Kind.FORBIDDEN, status=403)
    telemetry.requested("acme", "videos_over_time", "403", 1.0)
    await run(poller, ACME, "videos_today")
    assert not poller.ready
    await run(poller, ACME)
    assert poller.ready


async def test_courses_are_asked_about_once_they_are_known(poller, api, store, telemetry):
    poller.set_orgs([ACME])
    waiting = asyncio.create_task(run(poller, ACME, "course_enrollments"))
    await asyncio.sleep(0)
    assert not api.calls
    await run(poller, ACME, "active_users", "course_videos")
    await asyncio.wait_for(waiting, 5)
    assert figures(store, telemetry)["iblai_course_enrollments_7d", ("bio", "acme")] == 0


async def test_without_any_list_of_courses_the_figures_of_courses_fail_in_words(
    poller, api, telemetry
):
    poller.set_orgs([ACME])
    api.failures["acme"] = Unavailable("acme: down", kind=Kind.CONNECTION)
    await run(poller, ACME)
    assert "no list of courses yet" in telemetry.outcome("acme", "course_enrollments").error


async def test_series_beyond_the_limit_are_cut_and_counted_and_the_orgs_own_stay(
    store, telemetry, clock
):
    org = replace(ACME, series_limit=60)
    api = FakeApi(courses=[f"course-{i}" for i in range(100)])
    poller = Poller(api=api, store=store, telemetry=telemetry, limits=ApiLimits(), clock=clock)
    poller.set_orgs([org])
    await run(poller, org, "active_users", "course_videos", "videos", "enrollments")
    found = figures(store, telemetry)
    gauges = {m.name for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER}
    assert sum(name in gauges for name, _ in found) <= 60
    for name in ("iblai_active_users_7d", "iblai_video_completions_7d", "iblai_enrollments_7d"):
        assert (name, ("acme",)) in found
    assert found["iblai_exporter_series_dropped_total", ("acme", "series_limit")] > 250


async def test_small_groups_are_withheld_and_counted(poller, store, telemetry):
    org = replace(ACME, min_group_size=4)
    poller.set_orgs([org])
    await run(poller, org, "active_users")
    found = figures(store, telemetry)
    assert ("iblai_course_active_users_7d", ("bio", "acme")) not in found
    assert found["iblai_active_users_7d", ("acme",)] == 5
    assert found["iblai_exporter_series_dropped_total", ("acme", "min_group_size")] == 6


async def test_unique_users_of_weeks_long_gone_are_asked_for_once_a_day(poller, api, clock):
    poller.set_orgs([ACME])
    await run(poller, ACME, "active_users")
    first = len(api.calls)
    clock.advance(3600)
    await run(poller, ACME, "active_users")
    assert (first, len(api.calls) - first) == (11, 3)
    clock.advance(86400)
    before = len(api.calls)
    await run(poller, ACME, "active_users")
    assert len(api.calls) - before == 11


async def test_courses_that_are_left_out_have_no_series_and_are_not_asked_about(
    poller, api, store, telemetry
):
    org = replace(ACME, courses=Courses(exclude="b.*"))
    poller.set_orgs([org])
    await run(poller, org)
    assert not [labels for _, labels in figures(store, telemetry) if "bio" in labels]
    assert {call[3].get("course_id") for call in api.calls} == {None, "art"}


async def test_findings_that_cannot_be_kept_are_a_failure_like_others(
    poller, telemetry, monkeypatch
):
    poller.set_orgs([ACME])
    monkeypatch.setattr(poller, "_take", lambda *_: 1 / 0)
    await run(poller, ACME, "videos")
    assert "ZeroDivisionError" in telemetry.outcome("acme", "videos").error
    await run(poller, ACME, "videos")


async def test_visits_that_the_end_breaks_off_have_not_been_missed(poller, api, telemetry):
    api.gate.clear()
    clock = poller._clock
    clock._now = datetime.now(UTC)
    poller.set_orgs([ACME])
    poller.start()
    await asyncio.wait_for(api.asked.wait(), 5)
    await poller.close()
    await asyncio.sleep(0)
    assert b"missed_runs_total 0.0" in telemetry.process_text("text")
