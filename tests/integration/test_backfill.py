"""From the simulated platform to blocks, to a Prometheus that goes on scraping live."""

import subprocess
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter import catalog
from exporter.catalog import Area
from exporter.demo import command as simulation
from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from tests.integration.conftest import EXPORTER, Exporter, Prometheus, until

COMMAND = (EXPORTER, "backfill")
DAYS = 5
NOW = datetime.now(UTC)
GAUGES = {m.name for m in catalog.METRICS if m.area is not Area.EXPORTER}
CORE = {
    "active_users",
    "course_active_users",
    "enrollments",
    "unenrollments",
    "course_enrollments",
    "course_unenrollments",
    "video_completions",
    "chat_sessions",
    "avg_messages_per_session",
    "mentor_chat_sessions",
    "mentor_avg_messages_per_session",
}


def zone_at(hour):
    """Return the time zone in which it is this hour of the day."""
    ahead = (hour - NOW.hour + 11) % 24 - 11
    return f"Etc/GMT{-ahead:+}" if ahead else "UTC"


class Site:
    """A platform, its history in a Prometheus, and a live exporter that this scrapes."""

    def __init__(self, directory, university, url):
        self.directory, self.university, self.url = directory, university, url
        self.config = directory / "iblai.yml"
        text = simulation.example_config(url, university)
        # So that both orgs have samples of today, and no midnight while the test runs.
        self.zones = dict(
            zip((org.key for org in university.orgs), map(zone_at, (14, 20)), strict=True)
        )
        for key, zone in self.zones.items():
            text = text.replace(f"- key: {key}\n", f"- key: {key}\n    timezone: {zone}\n")
        self.config.write_text(f"{text}\napi: {{rate_limit: 1000, concurrency: 16}}\n")
        self.config.chmod(0o600)

    def backfill(self):
        """Make blocks of the last days, labeled as the scrapes are."""
        start = (NOW - timedelta(days=DAYS)).date()
        history = self.directory / "history"
        done = subprocess.run(
            [
                *(*COMMAND, "-c", self.config, "--start", str(start), "--output", f"{history}/"),
                *("--label", "job=iblai", "--label", "instance=one"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        files = sorted(history.glob("*.om"))
        assert len(files) >= DAYS
        for file in files:
            subprocess.run(
                ["promtool", "tsdb", "create-blocks-from", "openmetrics", file, "tsdb"],
                cwd=self.directory,
                check=True,
                capture_output=True,
            )

    def written(self):
        """Return what the files contain: value by time, by name and labels."""
        found = {}
        for path in sorted((self.directory / "history").glob("*.om")):
            for family in text_string_to_metric_families(path.read_text()):
                for sample in family.samples:
                    labels = {k: v for k, v in sample.labels.items() if k not in SCRAPED}
                    key = sample.name, tuple(sorted(labels.items()))
                    found.setdefault(key, {})[float(sample.timestamp)] = sample.value
        return found


SCRAPED = {"job", "instance"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    directory = tmp_path_factory.mktemp("backfill")
    university = University(orgs=2, courses=3, learners=600)
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
    """Return the gauges of an org that Prometheus has at a time, by name and labels."""
    found = site.prometheus.query(
        f'{{__name__=~"iblai_.+",job="iblai",instance="one",org="{org.key}"}}',
        time=at.timestamp(),
    )
    gauges = {}
    for key, value in found.items():
        labels = dict(key)
        name = labels.pop("__name__")
        if name in GAUGES:
            kept = {n: v for n, v in labels.items() if n not in SCRAPED}
            gauges[name, tuple(sorted(kept.items()))] = value
    return gauges


def test_every_window_and_expected_range_of_the_core_is_written(site):
    measures = [m for m in catalog.WINDOWED if m.name in CORE]
    names = {m.name for measure in measures for m in measure.metrics() if "_today" not in m.name}
    found = {name for name, _ in site.written()}
    assert found <= names | {"iblai_course_info", "iblai_mentor_info"}
    # An org of a few hundred learners has too few unenrollments for a lower bound.
    assert {name for name in names - found if not name.startswith("iblai_unenrollments_")} == set()


def test_prometheus_has_every_sample_that_was_written(site):
    written = site.written()
    for org in site.university.orgs:
        zone = ZoneInfo(site.zones[org.key])
        for days in (1, 2, DAYS - 1):
            day = NOW.astimezone(zone) - timedelta(days=days)
            for hour, minute in ((0, 10), (12, 0), (23, 55)):
                at = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
                expected = {
                    key: values[at.timestamp()]
                    for key, values in written.items()
                    if ("org", org.key) in key[1] and at.timestamp() in values
                }
                assert len(expected) > 80
                assert shown(site, org, at) == expected


def test_the_series_of_the_past_have_no_gaps(site):
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


def test_live_scrapes_continue_the_same_series_without_a_step(site):
    last = NOW - timedelta(hours=3, minutes=6)
    names = {name for name, _ in site.written()}
    for org in site.university.orgs:
        before = shown(site, org, last)
        assert len(before) > 80

        def continued(org=org, before=before):
            live = shown(site, org, datetime.now(UTC))
            return {k: v for k, v in live.items() if k[0] in names} == pytest.approx(before)

        until(continued, within=60, what="that live values are those of the backfill")


def test_backfilled_blocks_do_not_overlap_live_scrapes(site):
    until(lambda: site.prometheus.query("up"), what="a scrape")
    status = site.prometheus.get("status/tsdb")["headStats"]
    assert status["minTime"] / 1000 > (NOW - timedelta(hours=3)).timestamp()
    said = site.prometheus.said()
    assert "overlap" not in said
    assert "level=error" not in said
