"""From the simulated platform to blocks, to a Prometheus that goes on scraping live."""

import subprocess
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from exporter import catalog
from exporter.catalog import Area
from exporter.demo import command as simulation
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from tests.integration.conftest import EXPORTER, Exporter, Prometheus, until
from tests.integration.test_recomputation import Reckoning

COMMAND = (EXPORTER, "backfill")
DAYS = 5
NOW = datetime.now(UTC)
NOT_OF_THE_PAST = {
    "iblai_active_agents",
    "iblai_active_learner_engagement_index",
    "iblai_active_learner_performance_index",
    "iblai_active_learners",
    "iblai_agents",
    "iblai_ai_messages",
    "iblai_avg_grade_ratio",
    "iblai_course_avg_grade_ratio",
    "iblai_course_completed_users",
    "iblai_course_completion_ratio",
    "iblai_course_enrolled_users",
    "iblai_course_passed_users",
    "iblai_course_video_completions",
    "iblai_course_video_watch_seconds",
    "iblai_course_video_watch_seconds_per_learner",
    "iblai_course_video_watched_ratio",
    "iblai_course_videos",
    "iblai_course_visits_per_learner",
    "iblai_human_messages",
    "iblai_registered_users",
}
FIGURES = {m.name for m in catalog.METRICS if m.area is not Area.EXPORTER}


class Site:
    """A platform, its past in a Prometheus, and a live exporter that this scrapes."""

    def __init__(self, directory, university, url):
        self.directory, self.university, self.url = directory, university, url
        self.config = directory / "iblai.yml"
        self.config.write_text(simulation.example_config(url, university))
        self.config.chmod(0o600)

    def backfill(self):
        """Make blocks of the last days, labelled as the scrapes are."""
        start = (NOW - timedelta(days=DAYS)).date()
        history = self.directory / "history"
        done = subprocess.run(
            [
                *(*COMMAND, "-c", self.config, "--start", str(start), "--output", f"{history}/"),
                *("--label", "job=iblai", "--label", "instance=one", "--rate-limit", "2000"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        files = sorted(history.glob("*.om"))
        assert len(files) > DAYS
        for file in files:
            subprocess.run(
                ["promtool", "tsdb", "create-blocks-from", "openmetrics", file, "tsdb"],
                cwd=self.directory,
                check=True,
                capture_output=True,
            )

    def moments(self, org):
        """Yield days of the past, and moments at which they were being shown."""
        zone = ZoneInfo(org.timezone)
        today = NOW.astimezone(zone).date()
        for day in (today - timedelta(days=n) for n in (1, 2, DAYS - 1)):
            for hour, minute in ((0, 6), (12, 0), (23, 58)):
                yield day, datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory = tmp_path_factory.mktemp("backfill")
    university = University(orgs=2, courses=3, learners=60)
    with Background(build_platform(university)) as platform:
        made = Site(directory, university, platform.url)
        made.backfill()
        with Exporter("serve", "--config", made.config, cwd=directory) as live:
            live.wait()
            config = f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: iblai
    static_configs: [{{targets: ["127.0.0.1:{live.port}"], labels: {{instance: one}}}}]
"""
            with Prometheus(config, cwd=directory) as server:
                made.live, made.prometheus = live, server.wait()
                yield made


def shown(site, org, at):
    """Return the figures of an org that Prometheus has at a moment, as a reckoning has them."""
    found = site.prometheus.query(
        f'{{__name__=~"iblai_.+",job="iblai",instance="one",org="{org.key}"}}',
        time=at.timestamp(),
    )
    figures = {}
    for key, value in found.items():
        labels = dict(key)
        name = labels.pop("__name__")
        if name in FIGURES:
            kept = {n: v for n, v in labels.items() if n not in {"job", "instance"}}
            figures[name, tuple(sorted(kept.items()))] = value
    return figures


def reckoned(site, org, day, told):
    """Return what the figures of a day must be, of the metrics that are `told` of the past."""
    reckoning = Reckoning(site.url, org, day)
    reckoning.reckon()
    return {key: value for key, value in reckoning.gauges.items() if key[0] in told}


@pytest.fixture(scope="module")
def told(site):
    """Return the metrics that a backfill tells."""
    return {
        line.split()[2]
        for path in (site.directory / "history").glob("*.om")
        for line in path.read_text().splitlines()
        if line.startswith("# TYPE")
    }


def test_what_the_api_tells_only_of_now_is_left_out(told):
    left_out = {name for name in FIGURES - told if not name.endswith("_today")}
    assert not [name for name in told if name.endswith("_today")]
    assert left_out == NOT_OF_THE_PAST


def test_every_figure_of_the_past_is_what_another_client_reckons(site, told):
    for org in site.university.orgs:
        for day, moment in site.moments(org):
            expected = reckoned(site, org, day, told)
            assert len(expected) > 100
            assert shown(site, org, moment) == pytest.approx(expected), (org, day, moment)


def test_the_lines_of_the_past_have_no_gaps(site):
    end = NOW - timedelta(hours=6)
    for org in site.university.orgs:
        rows = site.prometheus.get(
            "query_range",
            query=f'iblai_active_users_7d{{org="{org.key}"}}',
            start=(end - timedelta(days=2)).timestamp(),
            end=end.timestamp(),
            step=61,
        )["result"]
        assert [len(row["values"]) for row in rows] == [2 * 86400 // 61 + 1]


def test_live_scrapes_go_on_with_the_same_lines_and_without_a_step(site, told):
    until(lambda: set(site.prometheus.query("up").values()) == {1.0}, what="a scrape")
    last = NOW - timedelta(hours=3, minutes=6)
    for org in site.university.orgs:
        zone = ZoneInfo(org.timezone)
        now = datetime.now(UTC)
        before = shown(site, org, last)
        live = {k: v for k, v in shown(site, org, now).items() if k[0] in told}
        # Both are what is reckoned for their day; on the same day they are the same.
        assert before == pytest.approx(reckoned(site, org, last.astimezone(zone).date(), told))
        assert live == pytest.approx(reckoned(site, org, now.astimezone(zone).date(), told))
        # Titles of parts (topics, models) come and go, all other series last.
        steady = {key for key in before if not {"topic", "model"} & set(dict(key[1]))}
        assert steady <= live.keys()


def test_the_two_times_do_not_overlap(site):
    until(lambda: site.prometheus.query("up"), what="a scrape")
    status = site.prometheus.get("status/tsdb")["headStats"]
    assert status["minTime"] / 1000 > (NOW - timedelta(hours=3)).timestamp()
    said = site.prometheus.said()
    assert "overlap" not in said
    assert "level=error" not in said
