"""What `demo` and `simulate` put around the simulated platform."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
import yaml
from click.testing import CliRunner

from exporter.cli import main
from exporter.demo import command
from exporter.demo.data import calendar
from exporter.settings import load

AGENTS = "/api/ai-analytics/orgs/{0.key}/users/{0.user_id}"
ACTIVE = "/api/ai-analytics/audience/orgs/{0.key}/active-users/per-course"
FINANCIAL = "/api/analytics/financial/?metric=total_costs&date_filter=30d&platform_key={0.key}"


def get(platform, path, org):
    return httpx.get(
        platform.url + path.format(org), headers={"Authorization": f"Api-Token {org.api_key}"}
    )


@pytest.fixture
def simulated():
    def start(**options):
        return command.simulated(**{"orgs": 4, "courses": 2, "seed": 7, **options})

    return start


def test_the_fourth_org_is_new_and_the_others_have_a_year_of_history(simulated):
    today = datetime.now(UTC).date()
    dates = f"start_date={today - timedelta(days=365)}&end_date={today - timedelta(days=7)}"
    with simulated() as (platform, university):
        sessions = {
            org.key: get(platform, f"{AGENTS}/average-messages-per-session/?{dates}", org).json()
            for org in university.orgs
        }
    assert sessions["org-0004"] == []
    assert len(sessions["acme"]) > 350


def test_generation_stale_costs_and_faults_reach_the_platform(simulated):
    with simulated(generation="v2", stale_costs=True, faults=("endpoint=topics/,status=502",)) as (
        platform,
        university,
    ):
        org = university.orgs[0]
        assert get(platform, ACTIVE, org).status_code == 404
        assert get(platform, FINANCIAL, org).json()["value"] == "0.00000"
        assert get(platform, "/api/analytics/topics/", org).status_code == 502


def test_late_data_reach_the_platform(simulated):
    with simulated(late_data=True) as (platform, university):
        org = university.orgs[0]
        videos = get(platform, "/api/ai-analytics/engagement/orgs/{0.key}/videos/over-time", org)
    newest = (datetime.now(UTC) - timedelta(hours=2)).date()
    assert max(videos.json()["data"]) == newest.isoformat()


def test_the_demo_has_every_extra_on_and_knows_the_breaks(simulated):
    with simulated() as (platform, university):
        flags = dict(command.settings(platform.url, university))
    org, *others = load(None, flags=flags, environ={}, known_collectors=frozenset()).orgs
    assert org.extras == ("learning", "agents", "costs", "usage")
    assert org.topics
    assert org.discovers_mentors
    assert org.timezone == "UTC"
    assert len(others) == 3
    year = datetime.now(UTC).year
    assert all(org.is_quiet(day) for span in calendar.breaks(year, year) for day in span)


def test_many_orgs_are_polled_as_often_as_real_ones(simulated):
    with simulated(orgs=21) as (platform, university):
        settings = command.settings(platform.url, university)
    assert (settings["interval"], settings["history_interval"]) == ("5m", "1h")


def test_the_example_configuration_has_every_org(simulated):
    with simulated() as (platform, university):
        tree = yaml.safe_load(command.example_config(platform.url, university))
    assert tree["base_url"] == platform.url
    assert [
        (org["key"], org["user_id"], org["api_key"], tuple(org["mentors"])) for org in tree["orgs"]
    ] == [(org.key, org.user_id, org.api_key, org.mentors) for org in university.orgs]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--generation", "v3"], "v3"),
        (["--drop", "acme:1"], "acme:1"),
        (["--drop", "nobody:1:0.5"], "nobody"),
        (["--orgs", "0"], "0"),
    ],
)
@pytest.mark.parametrize("name", ["demo", "simulate"])
def test_an_invalid_option_is_an_error_that_names_it(name, arguments, named):
    result = CliRunner().invoke(main, [name, *arguments])
    assert result.exit_code != 0
    assert named in result.output
