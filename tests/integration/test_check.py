"""`check` and `check --live` against a simulated platform."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date

import pytest
from click.testing import CliRunner

from exporter import collectors
from exporter.check.attempts import Attempts
from exporter.check.plan import make_plan
from exporter.check.platform import examine
from exporter.check.series import assumed_size, count
from exporter.cli import main
from exporter.demo.background import Background
from exporter.demo.faults import Fault, FaultPlan, Kind
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.exposition import Format
from exporter.settings import ApiLimits, Settings
from exporter.settings.schema import EXTRAS
from exporter.wiring import Pipeline
from tests.conftest import FakeClock
from tests.integration.laboratory import platform

UNIVERSITY = University(orgs=2, courses=3)
KNOWN = {"IBLAI_ORGS": "acme", "IBLAI_USER_ID": "ops", "IBLAI_API_KEY": "5f3a9c0d7e"}


@pytest.fixture
def check(tmp_path):
    """Return a way to check a configuration of the two orgs; it returns status and output."""

    def call(*faults, counts_end="inclusive", change=None, live=True, **settings):
        plan = FaultPlan(faults)
        with Background(build_platform(UNIVERSITY, faults=plan, range_end=counts_end)) as running:
            orgs = {
                org.key: {
                    "key": org.key,
                    "user_id": org.user_id,
                    "api_key": org.api_key,
                    "timezone": org.timezone,
                }
                for org in UNIVERSITY.orgs
            }
            for key, changes in (change or {}).items():
                orgs[key] |= changes
            path = tmp_path / "iblai.yml"
            config = {
                "base_url": running.url,
                "api": {"rate_limit": 1000, "timeout": "10s"},
                "orgs": list(orgs.values()),
                **settings,
            }
            path.write_text(json.dumps(config))
            arguments = ["check", *(["--live"] if live else []), "--config", str(path)]
            result = CliRunner().invoke(main, arguments, env={"COLUMNS": "400"})
            assert not result.exception or isinstance(result.exception, SystemExit)
        for org in orgs.values():
            assert org["api_key"] not in result.output
        return result.exit_code, result.output

    return call


def row(output, org, collector):
    return next(x for x in output.splitlines() if f" {org} " in x and f" {collector} " in x)


def about(output, org, question):
    """Return what is said about the platform of an org."""
    lines = output.splitlines()
    start = lines.index(f"{org}:")
    return next(line.strip() for line in lines[start:] if line.strip().startswith(question))


def test_without_a_problem_every_collector_has_a_row_and_the_status_is_0(check):
    status, output = check()
    assert status == 0
    core = 2 * sum(collector.on(site_org()) for collector in collectors.COLLECTORS)
    assert f"{core} of {core} collectors succeeded" in output
    assert "200" in row(output, "acme", "active_users")


def site_org():
    with platform(FakeClock()) as site:
        return site.org(mentors=())


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"api_key": "0a" * 32}, "401", "the key is wrong"),
        ({"user_id": "somebody-else"}, "401", "does not belong to this org and user"),
        ({"api_key": UNIVERSITY.orgs[0].api_key}, "401", "does not belong to this org"),
    ],
)
def test_a_wrong_key_fails_its_org_alone(check, change, code, says):
    status, output = check(change={"globex": change})
    assert status == 1
    assert code in row(output, "globex", "chat")
    assert says in " ".join(output.split())
    assert "200" in row(output, "acme", "active_users")
    if "api_key" in change:
        assert "not run, since there is no list of courses" in row(
            output, "globex", "course_enrollments"
        )
        assert about(output, "globex", "cannot") == "cannot be determined: no collector succeeded"


@pytest.mark.parametrize(
    ("fault", "collector", "code", "says"),
    [
        (Fault(Kind.STATUS, status=403, endpoint="videos/"), "course_videos", "403", "may not"),
        (Fault(Kind.STATUS, status=404, endpoint="videos/"), "course_videos", "404", "no such"),
        (Fault(Kind.STATUS, status=500, endpoint="videos/"), "course_videos", "500", "server"),
        (Fault(Kind.TIMEOUT, endpoint="videos/"), "course_videos", "timeout", "within 10 s"),
    ],
)
def test_a_failing_endpoint_is_reported_in_words(check, fault, collector, code, says):
    status, output = check(fault)
    assert status == 1
    for org in ("acme", "globex"):
        assert code in row(output, org, collector)
    assert says in " ".join(output.split())
    assert "200" in row(output, "acme", "active_users")


def test_an_api_that_excludes_the_end_date_is_recognized(check):
    status, output = check(counts_end="exclusive")
    assert status == 1
    assert "set range_end: exclusive" in about(output, "acme", "end of ranges")
    status, output = check(counts_end="exclusive", range_end="exclusive")
    assert status == 0
    assert about(output, "acme", "end of ranges") == "end of ranges: exclusive, as configured"


def test_extras_that_are_off_are_tried_and_named_if_they_are_offered(check):
    faults = [
        Fault(Kind.STATUS, status=404, endpoint=endpoint)
        for endpoint in ("financial*", "tenant-cost*", "costs/*", "spend-caps*", "llm-usage*")
    ]
    faults.append(Fault(Kind.STATUS, status=404, endpoint="*spend-caps*"))
    status, output = check(*faults)
    assert status == 0
    assert "extras: [learning, agents]" in about(output, "acme", "extras that can be switched on")
    assert "costs" in about(output, "acme", "extras not offered")


def test_whether_an_extra_is_offered_is_left_open_if_the_server_fails(check):
    names = ("time", "course_completion", "registered", "grading", "activity")
    faults = [Fault(Kind.STATUS, status=500, endpoint=f"*{name}*") for name in names]
    _, output = check(*faults)
    assert "learning" in about(output, "acme", "extras that may be offered (cannot be determined)")


@pytest.mark.parametrize(
    ("endpoint", "generation"),
    [
        (None, "both (seeds and v2)"),
        ("/api/analytics/*", "seeds (v2 does not exist)"),
        ("/api/ai-analytics/*", "v2 (the endpoints of the seeds do not exist)"),
    ],
)
def test_the_generation_of_the_api_is_reported(check, endpoint, generation):
    faults = [Fault(Kind.STATUS, status=404, endpoint=endpoint)] if endpoint else []
    _, output = check(*faults)
    assert about(output, "acme", "API generation") == f"API generation: {generation}"


def test_a_v2_endpoint_that_fails_does_not_show_that_v2_does_not_exist(check):
    _, output = check(Fault(Kind.STATUS, status=503, endpoint="/api/analytics/*"))
    assert "whether v2 exists cannot be determined" in about(output, "acme", "API generation")


def test_active_users_with_and_without_the_main_platform_are_reported(check):
    _, output = check()
    text = about(output, "acme", "main platform")
    assert "active users in 7 days with it" in text
    assert "include_main_platform: true" in text


def test_an_address_where_nobody_listens_is_reported_in_words():
    env = {**KNOWN, "IBLAI_BASE_URL": "http://127.0.0.1:9", "COLUMNS": "400"}
    result = CliRunner().invoke(main, ["check", "--live"], env=env)
    assert result.exit_code == 1
    assert "cannot connect" in result.output


# Ranges, with a payload made for the purpose.


class FixedDate(FakeClock):
    """A date that stands still, and a monotonic clock that does not."""

    def monotonic(self):
        return time.monotonic()


@pytest.fixture
def clock():
    return FixedDate()


async def examined(site, clock, **settings):
    org = site.org(mentors=(), **settings)
    limits = ApiLimits(rate_limit=0, retries=0)
    attempts = Attempts(Settings(orgs=(org,), api=limits), clock)
    try:
        await attempts.pipeline.poller.run_once("acme", "active_users")
        return await examine(attempts, org, page_size=100)
    finally:
        await attempts.close()


def of_days(values, *, end="inclusive"):
    """Return a rewriter of a series with these days, like an API that counts `end_date` so."""

    def rewrite(_, query):
        first, last = query["start_date"], query["end_date"]
        inside = {
            day: value
            for day, value in values.items()
            if first <= day and (day <= last if end == "inclusive" else day < last)
        }
        return {"data": inside, "total": sum(inside.values())}

    return rewrite


async def range_end(clock, videos, enrollments):
    with platform(clock, orgs=1) as site:
        site.lies["videos/over-time"] = videos
        site.lies["enrollments/over-time"] = enrollments
        site.lies["average-messages-per-session/"] = lambda *_: []
        return (await examined(site, clock)).range_end


IDLE = {f"2026-05-0{n}": 0 for n in range(1, 7)}


async def test_an_inclusive_api_is_not_taken_for_exclusive_if_no_video_was_watched(clock):
    # Nothing on the day two days ago, and idle days are left out.
    videos = {"2026-04-30": 3, "2026-05-01": 4, "2026-05-03": 5}
    assert await range_end(clock, of_days(videos), of_days({})) == "inclusive"


@pytest.mark.parametrize("end", ["inclusive", "exclusive"])
async def test_the_end_of_ranges_follows_from_a_day_with_data(clock, end):
    days = {**IDLE, "2026-05-02": 7}
    assert await range_end(clock, of_days(days, end=end), of_days({})) == end
    assert await range_end(clock, of_days({}), of_days(days, end=end)) == end


async def test_without_a_day_with_data_the_end_of_ranges_cannot_be_determined(clock):
    assert await range_end(clock, of_days({}), of_days(IDLE)) is None
    today_alone = of_days({"2026-05-06": 9, "2026-05-05": 4})
    assert await range_end(clock, today_alone, of_days({})) is None


async def test_series_that_disagree_leave_the_end_of_ranges_open(clock):
    days = {"2026-05-02": 7}
    assert await range_end(clock, of_days(days), of_days(days, end="exclusive")) is None


async def test_a_response_that_ignores_the_range_leaves_its_end_open(clock):
    always = {"data": {"2026-05-02": 7}, "total": 7}
    assert await range_end(clock, lambda *_: always, of_days({})) is None


async def test_a_platform_that_is_ahead_of_the_configured_zone_is_recognized():
    clock = FixedDate(FakeClock().now().replace(hour=2))
    with platform(clock, orgs=1) as site:
        site.lies["videos/over-time"] = of_days({"2026-05-06": 3})
        found = await examined(site, clock, timezone="America/New_York")
    assert found.time_zone.startswith("does not match: 2026-05-06 already has data")
    assert date(2026, 5, 5).isoformat() in found.time_zone


# Predictions.


async def collect_everything(settings, clock):
    """Return how many series the page has after every collector has run as often as it wants."""
    pipeline = Pipeline(settings, clock)
    pipeline.poller.set_orgs(settings.orgs)
    try:
        for org in settings.orgs:
            own = sorted(collectors.of(org), key=lambda c: not (c.lists_courses or c.lists_mentors))
            for collector in own:
                runs = 9 if collector.once else 1
                for _ in range(runs):
                    await pipeline.poller.run_once(org.key, collector.name)
        return count([await pipeline.page.read(Format.TEXT, gzip=False)])
    finally:
        await pipeline.close()


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ({"orgs": 1, "courses": 12}, {}),
        ({"orgs": 3, "courses": 20}, {"mentors": ()}),
        ({"orgs": 2, "courses": 30}, {"extras": ("learning",), "learner_indexes": True}),
        ({"orgs": 2, "courses": 20}, {"extras": EXTRAS, "topics": True}),
        ({"orgs": 3, "courses": 12}, {"extras": EXTRAS, "mentors": ("all",)}),
    ],
    ids=["core", "no mentors", "learning", "everything", "all mentors"],
)
async def test_the_number_of_series_is_predicted_within_5_percent(clock, shape, settings):
    limits = ApiLimits(rate_limit=0, concurrency=50, retries=0)
    with platform(clock, **shape) as site:
        orgs = tuple(site.orgs(**settings))
        configured = Settings(orgs=orgs, api=limits)
        served = await collect_everything(configured, clock)
        attempts = Attempts(configured, clock)
        try:
            await attempts.run(lambda: None)
            counted = sum(each.total for each in attempts.series().values())
            counted += attempts.process_series()
            sizes = attempts.sizes()
        finally:
            await attempts.close()
    assert counted == pytest.approx(served, rel=0.05)
    assert {size.courses for size in sizes.values()} == {shape["courses"]}
    assumed = {org.key: assumed_size(org, courses=shape["courses"]) for org in orgs}
    plan = make_plan(configured, assumed)
    assert plan.series == pytest.approx(served, rel=0.05)
    assert served <= plan.series + plan.uncertain


def test_the_plan_predicts_the_page_of_a_running_exporter(check, exporter, tmp_path):
    with platform(orgs=2, courses=9) as site:
        orgs = [
            {"key": o.key, "user_id": o.user_id, "api_key": o.api_key, "timezone": o.timezone}
            for o in site.university.orgs
        ]
        path = tmp_path / "iblai.yml"
        config = {"base_url": site.url, "api": {"rate_limit": 1000}, "orgs": orgs}
        path.write_text(json.dumps(config))
        arguments = ["check", "--courses", "9", "--config", str(path)]
        result = CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output
        running = exporter("serve", "--config", path)
        deadline = time.monotonic() + 60
        expected = 0
        while expected < 2 and time.monotonic() < deadline:
            page = running.metrics()
            expected = page.count("\niblai_active_users_7d_expected_low{")
            time.sleep(0.5)
    series = int(
        result.output.partition("/metrics has about ")[2].partition(" ")[0].replace(",", "")
    )
    assert series == pytest.approx(count([page.encode()]), rel=0.05)


# The command.


def test_demand_above_the_rate_limit_is_an_error_with_its_factor_host_and_remedy(check):
    status, output = check(live=False, api={"rate_limit": 0.01})
    assert status == 1
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "http://127.0.0.1:" in line
    assert "times what api.rate_limit allows" in line
    assert "Lengthen interval" in line
    status, output = check(live=False)
    assert status == 0
    assert "error" not in output


def test_demand_of_the_courses_that_are_counted_is_compared_with_the_rate_limit(check):
    # Two requests per course: too many for 50 assumed courses, none for excluded ones.
    settings = {"api": {"rate_limit": 50}, "interval": "1s", "history_interval": "1s"}
    settings["courses"] = {"exclude": ".*"}
    status, output = check(**settings)
    plan_of_acme = next(
        line for line in output.splitlines() if " acme " in line and " UTC " in line
    )
    assert " 0 " in plan_of_acme
    assert status == 0, output


def test_a_command_that_cannot_read_a_key_fails(tmp_path):
    env = KNOWN | {"IBLAI_API_KEY_FILE": str(tmp_path / "key"), "IBLAI_API_KEY": None}
    result = CliRunner().invoke(main, ["check"], env=env | {"COLUMNS": "400"})
    assert result.exit_code == 1
    assert "1 org has no API key that can be read." in result.output


@pytest.mark.parametrize("key", ["acme globex", "acme\u00a0globex", "a b,c"])
def test_orgs_that_are_separated_by_blanks_are_an_error(key):
    result = CliRunner().invoke(main, ["check"], env=KNOWN | {"IBLAI_ORGS": key})
    assert result.exit_code == 1
    assert "by commas" in result.output


@pytest.mark.parametrize(
    "key", ["'5f3a9c0d7e'", '"5f3a9c0d7e"', "api_key=5f3a9c0d7e", "your-api-key-here"]
)
def test_a_value_that_cannot_be_a_key_is_an_error(key):
    result = CliRunner().invoke(main, ["check"], env=KNOWN | {"IBLAI_API_KEY": key})
    assert result.exit_code == 1
    assert "IBLAI_API_KEY" in result.output
    assert "5f3a9c0d7e" not in result.output


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "utf-8"])
@pytest.mark.parametrize("arguments", [["check"], ["check", "--help"], ["serve", "--help"]])
def test_any_terminal_encoding_will_do(encoding, arguments, tmp_path):
    env = {**os.environ, **KNOWN, "IBLAI_ORGS": "zürich", "PYTHONIOENCODING": encoding}
    done = subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    if arguments == ["check"] and encoding == "ascii":
        assert b"z\\xfcrich" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["check", "--help"], ["serve"]])
def test_on_an_unsupported_platform_one_sentence_says_so(arguments):
    code = "import sys; sys.platform = 'win32'; from exporter.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.strip().count("\n") == 0
    assert "runs on Linux and macOS" in done.stderr


async def test_a_check_writes_no_state(clock, tmp_path):
    with platform(clock, orgs=1) as site:
        settings = Settings(
            orgs=(site.org(),), api=ApiLimits(rate_limit=0), state_dir=tmp_path / "state"
        )
        attempts = Attempts(replace(settings), clock)
        await attempts.close()
    assert list(tmp_path.iterdir()) == []
