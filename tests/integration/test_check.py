"""`check --live`, against a simulated platform that goes along, or does not."""

import json

import pytest
from click.testing import CliRunner

from exporter import collectors
from exporter.cli import main
from exporter.demo.background import Background
from exporter.demo.faults import Fault, FaultPlan, Kind
from exporter.demo.platform import build_platform
from exporter.demo.university import University

UNIVERSITY = University(orgs=2, courses=3)


@pytest.fixture
def check(tmp_path):
    """Return a way to check a configuration of the two orgs; it tells status and output."""

    def call(*faults, counts_end="inclusive", change=None, **settings):
        plan = FaultPlan(faults)
        with Background(build_platform(UNIVERSITY, faults=plan, range_end=counts_end)) as running:
            orgs = {
                org.key: {"key": org.key, "user_id": org.user_id, "api_key": org.api_key}
                for org in UNIVERSITY.orgs
            }
            for key, changes in (change or {}).items():
                orgs[key] |= changes
            path = tmp_path / "iblai.yml"
            config = {
                "base_url": running.url,
                "api": {"rate_limit": 1000, "timeout": "2s"},
                "orgs": list(orgs.values()),
                **settings,
            }
            path.write_text(json.dumps(config))
            arguments = ["check", "--live", "--config", str(path)]
            result = CliRunner().invoke(main, arguments, env={"COLUMNS": "400"})
            assert not result.exception or isinstance(result.exception, SystemExit)
        for org in orgs.values():
            assert org["api_key"] not in result.output
        return result.exit_code, result.output

    return call


def row(output, org, collector):
    return next(x for x in output.splitlines() if f" {org} " in x and f" {collector} " in x)


def test_all_is_well_and_the_status_says_so(check):
    status, output = check()
    assert status == 0
    count = 2 * len(collectors.COLLECTORS)
    assert f"{count} of {count} collectors succeeded" in output
    assert "200" in row(output, "acme", "active_users")


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"api_key": "0" * 64}, "401", "the key is wrong"),
        ({"user_id": "somebody-else"}, "401", "does not belong to this org and user"),
        ({"api_key": UNIVERSITY.orgs[0].api_key}, "401", "does not belong to this org"),
    ],
)
def test_a_key_that_does_not_fit_is_told_for_its_org_alone(check, change, code, says):
    status, output = check(change={"globex": change})
    assert status == 1
    assert code in row(output, "globex", "chat")
    assert says in " ".join(output.split())
    assert "200" in row(output, "acme", "active_users")


@pytest.mark.parametrize(
    ("fault", "collector", "code", "says"),
    [
        (Fault(Kind.STATUS, status=403, endpoint="videos/"), "course_videos", "403", "may not"),
        (Fault(Kind.STATUS, status=404, endpoint="videos/"), "course_videos", "404", "no such"),
        (Fault(Kind.HTML, endpoint="videos/"), "course_videos", "200", "HTML page"),
        (Fault(Kind.STATUS, status=500, endpoint="videos/"), "course_videos", "500", "server"),
        (Fault(Kind.TIMEOUT, endpoint="videos/"), "course_videos", "timeout", "within 2 s"),
    ],
)
def test_what_is_wrong_with_an_endpoint_is_told_in_words(check, fault, collector, code, says):
    status, output = check(fault)
    assert status == 1
    for org in ("acme", "globex"):
        assert code in row(output, org, collector)
    assert says in " ".join(output.split())
    assert "200" in row(output, "acme", "active_users")


def test_the_end_of_a_range_is_found_out(check):
    status, output = check(counts_end="exclusive")
    assert status == 1
    assert "set range_end: exclusive" in " ".join(output.split())
    assert check(counts_end="exclusive", range_end="exclusive")[0] == 0


def test_nobody_at_the_address_is_told_in_words(tmp_path):
    env = {
        "IBLAI_ORGS": "acme",
        "IBLAI_USER_ID": "ops",
        "IBLAI_API_KEY": "5f3a9c",
        "IBLAI_BASE_URL": "http://127.0.0.1:9",
        "COLUMNS": "400",
    }
    result = CliRunner().invoke(main, ["check", "--live"], env=env)
    assert result.exit_code == 1
    assert "cannot connect" in result.output
