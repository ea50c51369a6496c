"""What is polled when: with a clock that a test moves, and an API that answers over real HTTP."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from exporter import collectors
from exporter.exposition import Format
from exporter.settings import Alerts, ApiLimits, Courses, Org, Settings
from exporter.windows import Span
from exporter.wiring import Pipeline
from tests.conftest import FakeClock
from tests.integration.fake_api import COURSES, FakeApi, Fault

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)


class Bench:
    """An exporter whose clock a test moves; requests are real."""

    def __init__(self, api, orgs, *, clock, limits=None, state_dir=None):
        self.api = api
        self.clock = clock
        self.limits = limits or ApiLimits(rate_limit=0, retries=0, timeout=5.0, concurrency=16)
        settings = Settings(orgs=tuple(orgs), api=self.limits, state_dir=state_dir)
        self.pipeline = Pipeline(settings, clock, sleep=self._sleep)
        self.poller = self.pipeline.poller
        self.pipeline.restore(orgs)

    async def _sleep(self, seconds):
        self.clock.advance(seconds)

    async def settle(self):
        """Let everything that is due run to its end."""
        self.poller.tick()
        for _ in range(4000):
            await asyncio.sleep(0.001)
            self.poller.tick()
            if not self.busy():
                return
        raise AssertionError("collections did not end")

    def busy(self):
        return any(
            entry.queued
            for state in self.poller._schedule.orgs
            for entry in state.collectors.values()
        )

    async def pass_time(self, seconds, *, step=60.0):
        """Move the clock in steps, and let run what becomes due."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.clock.advance(min(step, end - self.clock.monotonic()))
            await self.settle()

    async def series(self):
        text = (await self.pipeline.page.read(Format.TEXT, gzip=False)).decode()
        return {
            (s.name, tuple(sorted(s.labels.items()))): s.value
            for family in text_string_to_metric_families(text)
            for s in family.samples
        }

    async def value(self, name, **labels):
        labels.setdefault("org", "acme")
        return (await self.series()).get((name, tuple(sorted(labels.items()))))

    async def names(self, org="acme"):
        """Return the names of the org's own metrics that are served."""
        return {name for name, labels in await self.series() if ("org", org) in labels}

    async def reload(self, *orgs):
        await self.pipeline.change(orgs, self.limits)


@pytest.fixture
def clock():
    return FakeClock(NOON)


@pytest.fixture
def api(clock):
    with FakeApi(now=clock.now) as api:
        yield api


@pytest.fixture
def acme(api):
    return Org(
        key="acme",
        user_id="ops",
        api_key=SecretStr("0123456789abcdef" * 4),
        base_url=api.url,
        collectors={"past_active_users": False},
    )


@pytest.fixture
async def bench(api, clock):
    made = []

    def make(*orgs, **more):
        made.append(Bench(api, orgs, clock=clock, **more))
        return made[-1]

    yield make
    for each in made:
        await each.pipeline.close()


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
    only = replace(acme, collectors={**_only("videos")})
    exporter = bench(only)
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


async def test_today_ends_at_midnight_and_the_windows_follow(bench, acme, api, clock):
    exporter = bench(acme)
    await exporter.settle()
    until_midnight = (datetime(2026, 5, 7, tzinfo=UTC) - clock.now()).total_seconds()
    await exporter.pass_time(until_midnight - 120, step=300)
    assert await exporter.value("iblai_enrollments_today") == 3
    end = datetime(2026, 5, 6, tzinfo=UTC).timestamp()
    assert await exporter.value("iblai_window_end_timestamp_seconds", collector="videos") == end
    api.faults = [Fault(status=503)]
    clock.advance(121)
    exporter.poller.tick()
    names = await exporter.names()
    assert not {name for name in names if "_today" in name}
    assert await exporter.value("iblai_enrollments_1d") == 3
    await exporter.settle()
    api.faults = []
    await exporter.pass_time(4000, step=20)
    end += 86400
    assert await exporter.value("iblai_enrollments_today") == 3
    for collector in ("videos", "chat", "enrollments", "active_users"):
        found = await exporter.value("iblai_window_end_timestamp_seconds", collector=collector)
        assert found == end, collector


async def test_windows_are_served_until_the_next_ones_arrive_however_late_the_platform_is(
    bench, acme, api, clock
):
    exporter = bench(acme)
    await exporter.settle()
    late = clock.now()
    api.now = lambda: late  # no day after today arrives
    await exporter.pass_time(12 * 3600 + 8 * 3600, step=300)
    assert clock.now().date() > late.date()
    assert await exporter.value("iblai_enrollments_7d") == 21
    assert await exporter.value("iblai_enrollments_today") is None
    api.now = clock.now
    await exporter.pass_time(700, step=100)
    end = datetime(2026, 5, 7, tzinfo=UTC).timestamp()
    found = await exporter.value("iblai_window_end_timestamp_seconds", collector="enrollments")
    assert found == end


async def test_a_day_ends_in_the_zone_of_an_org_that_was_added_later(bench, acme, api, clock):
    exporter = bench(acme)
    await exporter.settle()
    tokyo = replace(acme, key="tokyo", timezone="Asia/Tokyo")
    await exporter.reload(acme, tokyo)
    await exporter.settle()
    assert await exporter.value("iblai_active_users_today", org="tokyo") == 40
    api.faults = [Fault(status=503)]
    clock.advance(3 * 3600 + 60)  # 15:01 UTC is midnight in Tokyo
    exporter.poller.tick()
    assert await exporter.value("iblai_active_users_today", org="tokyo") is None


async def test_complete_days_are_collected_within_two_minutes_of_midnight(bench, acme, clock):
    exporter = bench(acme)
    await exporter.settle()
    midnight = datetime(2026, 5, 7, tzinfo=UTC)
    await exporter.pass_time((midnight - clock.now()).total_seconds(), step=300)
    await exporter.pass_time(120, step=10)
    for collector in ("videos", "chat", "enrollments", "active_users"):
        end = await exporter.value("iblai_window_end_timestamp_seconds", collector=collector)
        assert end == midnight.timestamp(), collector


async def test_a_collection_that_runs_across_midnight_is_followed_by_one_of_the_new_day(
    bench, acme, api, clock
):
    midnight = datetime(2026, 5, 7, tzinfo=UTC)
    clock.advance((midnight - clock.now()).total_seconds() - 1)
    exporter = bench(replace(acme, collectors=_only("active_users")))
    api.latency = 0.05
    exporter.poller.tick()
    await asyncio.sleep(0.02)
    clock.advance(2)
    await exporter.settle()
    await exporter.pass_time(120, step=10)
    end = await exporter.value("iblai_window_end_timestamp_seconds", collector="active_users")
    assert end == midnight.timestamp()


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


def _only(*names):
    return {name: name in names for name in collectors.NAMES}


# Reload.

SETTINGS = {
    "labels": {"labels": {"team": "x"}},
    "min_group_size": {"min_group_size": 10},
    "courses.exclude": {"courses": Courses(exclude=".*C1.*")},
    "courses.include": {"courses": Courses(include=".*C1.*")},
    "percentages": {"percentages": "ratio"},
    "series_limit": {"series_limit": 60},
    "max_staleness": {"max_staleness": 7200.0},
    "interval": {"interval": 600.0},
    "history_interval": {"history_interval": 7200.0},
    "timezone": {"timezone": "Asia/Tokyo"},
    "range_end": {"range_end": "exclusive"},
    "include_main_platform": {"include_main_platform": False},
    "department_id": {"department_id": 7},
    "learner_indexes": {"learner_indexes": True},
    "topics": {"topics": True},
    "extras": {"extras": ("learning",)},
    "mentors": {"mentors": ("m1",)},
    "collectors": {"collectors": {"past_active_users": False, "videos": False}},
    "alerts": {"alerts": Alerts(sensitivity="high")},
    "quiet_days": {"quiet_days": (Span(date(2026, 5, 1), date(2026, 5, 2)),)},
    "auth_scheme": {"auth_scheme": ""},
}


@pytest.mark.parametrize("setting", SETTINGS)
async def test_a_reload_with_the_api_down_keeps_every_value_that_is_still_valid(
    bench, acme, api, setting
):
    exporter = bench(acme)
    await exporter.settle()
    before = await exporter.series()
    api.faults = [Fault(status=503)]
    changed = replace(acme, **SETTINGS[setting])
    await exporter.reload(changed)
    await exporter.settle()
    after = await exporter.series()
    team = dict(changed.labels)

    def kept(name, labels):
        return after.get((name, tuple(sorted({**dict(labels), **team}.items()))))

    lost = {
        (name, labels): value
        for (name, labels), value in before.items()
        if ("org", "acme") in labels and _is_value(name) and kept(name, labels) != value
    }
    allowed = {
        "min_group_size": lambda n, lb: (
            0 < before[n, lb] < 10 or "per_learner" in n or "ratio" in n
        ),
        "courses.exclude": lambda n, lb: "C1+" in str(lb),
        "courses.include": lambda n, lb: "course" in n and "C1+" not in str(lb),
        "percentages": lambda n, lb: n.endswith("_ratio"),
        "series_limit": lambda n, lb: "course" in n,
        "collectors": lambda n, lb: n.startswith("iblai_video_completions"),
        "timezone": lambda n, lb: "expected" in n,
        "range_end": lambda n, lb: "expected" in n,
        "include_main_platform": lambda n, lb: "expected" in n,
        "department_id": lambda n, lb: "expected" in n,
        "alerts": lambda n, lb: "expected_low" in n,
        "quiet_days": lambda n, lb: "expected" in n,
    }.get(setting, lambda n, lb: False)
    wrong = {key for key in lost if not allowed(*key)}
    assert not wrong


async def test_values_of_people_are_withheld_by_a_reload_at_once(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=503)]
    await exporter.reload(replace(acme, min_group_size=1_000_000))
    names = await exporter.names()
    about_people = ("users", "enrollments", "learner", "watched_ratio", "completions")
    assert not {n for n in names if any(word in n for word in about_people)}
    assert "iblai_chat_sessions_7d" in names


@pytest.mark.parametrize(
    "change", [{"user_id": "other"}, {"api_key": SecretStr("fedcba9876543210" * 4)}]
)
async def test_another_user_or_key_invalidates_an_orgs_data(bench, acme, api, change):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=503)]
    await exporter.reload(replace(acme, **change))
    await exporter.settle()
    assert "iblai_enrollments_7d" not in await exporter.names()


async def test_a_reload_of_one_org_does_not_touch_the_others(bench, acme, api):
    globex = replace(acme, key="globex")
    exporter = bench(acme, globex)
    await exporter.settle()
    api.received.clear()
    await exporter.reload(replace(acme, labels={"team": "x"}), globex)
    await exporter.settle()
    assert api.of("globex") == []
    assert "iblai_enrollments_7d" in await exporter.names("globex")


async def test_a_removed_org_disappears_at_once(bench, acme, api):
    exporter = bench(acme, replace(acme, key="globex"))
    await exporter.settle()
    await exporter.reload(acme)
    assert await exporter.names("globex") == set()


# Restart.


async def test_a_restart_serves_what_is_valid_and_requests_nothing_that_is_known(
    bench, acme, api, clock, tmp_path
):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    before = await first.series()
    await first.pipeline.close()
    api.received.clear()
    api.faults = [Fault(status=503)]
    clock.advance(60)
    second = bench(acme, state_dir=tmp_path)
    assert second.poller.ready
    await second.settle()
    after = await second.series()
    values = {k: v for k, v in before.items() if ("org", "acme") in k[1] and _is_value(k[0])}
    assert {k: after.get(k) for k in values} == values
    assert api.received == []
    assert await second.value("iblai_up") == 1


def _is_value(name):
    own = ("iblai_collector", "iblai_api", "iblai_exporter", "iblai_window_end", "iblai_up")
    return not name.startswith(own)


async def test_a_restart_after_midnight_serves_no_value_of_the_day_before(
    bench, acme, api, clock, tmp_path
):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    await first.pipeline.close()
    clock.advance(13 * 3600)
    api.faults = [Fault(status=503)]
    second = bench(acme, state_dir=tmp_path)
    await second.settle()
    assert not {name for name in await second.names() if "_today" in name}


async def test_another_key_gets_nothing_of_the_saved_state(bench, acme, api, clock, tmp_path):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    await first.pipeline.close()
    api.faults = [Fault(status=503)]
    second = bench(replace(acme, api_key=SecretStr("f" * 64)), state_dir=tmp_path)
    await second.settle()
    assert "iblai_enrollments_7d" not in await second.names()


# Keys.


async def test_a_key_that_cannot_be_read_fails_its_org_alone(bench, acme, api, tmp_path):
    missing = tmp_path / "globex"
    globex = replace(acme, key="globex", api_key=None, api_key_file=missing)
    exporter = bench(acme, globex)
    await exporter.settle()
    assert await exporter.value("iblai_up") == 1
    assert await exporter.value("iblai_up", org="globex") == 0
    missing.write_text("0123456789abcdef" * 4)
    exporter.poller.maintain()
    await exporter.settle()
    assert await exporter.value("iblai_up", org="globex") == 1


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


# Generations.


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
    await exporter.pass_time(26 * 3600, step=120)
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


async def test_a_404_that_does_not_last_changes_no_source(bench, acme, api):
    exporter = bench(acme)
    await exporter.settle()
    api.faults = [Fault(status=404, path="/api/ai-analytics/")]
    await exporter.pass_time(310, step=10)
    api.faults = []
    await exporter.pass_time(900, step=10)
    info = {"collector": "chat", "generation": "v2"}
    assert await exporter.value("iblai_collector_source_info", **info) is None


# Overload.


async def test_demand_above_the_limit_is_reported_and_staleness_stretches(bench, acme):
    orgs = [replace(acme, key=f"org{n}") for n in range(40)]
    limits = ApiLimits(rate_limit=0.4, retries=0, timeout=5.0, concurrency=8)
    exporter = bench(*orgs, limits=limits)
    exporter.poller.maintain()
    ratio = (await exporter.series())["iblai_exporter_schedule_stretch_ratio", ()]
    assert 1.4 < ratio < 2.5
    stretches = {state.stretch for state in exporter.poller._schedule.orgs}
    assert min(stretches) == pytest.approx(ratio, rel=0.1)


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
