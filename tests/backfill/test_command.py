"""The command, as a person or a script runs it."""

import hashlib
import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from exporter.backfill import retries
from exporter.backfill.command import backfill
from exporter.demo.background import Background
from exporter.demo.faults import Fault, FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from tests.recorder import Recorder, RecorderMiddleware

COMMAND = (sys.executable, "-m", "exporter", "backfill")
TODAY = datetime.now(UTC).date()
START, END = (str(TODAY - timedelta(days=days)) for days in (9, 3))


class Site:
    """A platform of two orgs, and a configuration for it."""

    def __init__(self, directory):
        self.university = University(orgs=2, courses=3, learners=60)
        self.recorder = Recorder()
        self.plan = FaultPlan()
        app = build_platform(self.university, faults=self.plan)
        self.server = Background(RecorderMiddleware(app, recorder=self.recorder))
        self.config = directory / "iblai.yml"
        self.directory = directory

    def write_config(self):
        orgs = "".join(
            f"  - {{key: {o.key}, user_id: {o.user_id}, api_key: {o.api_key},"
            f" timezone: {o.timezone}}}\n"
            for o in self.university.orgs
        )
        self.config.write_text(
            f"base_url: {self.server.url}\napi: {{rate_limit: 1000, retries: 0}}\norgs:\n{orgs}"
        )
        self.config.chmod(0o600)

    def arguments(self, output, **more):
        options = {"start": START, "end": END, "step": "1h", "output": output, **more}
        pairs = [(f"--{name}", str(value)) for name, value in options.items()]
        return ["--config", str(self.config), *(text for pair in pairs for text in pair)]

    def run(self, output, *flags, **more):
        return CliRunner().invoke(backfill, [*self.arguments(output, **more), *flags])


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setattr(retries, "PAUSES", ())
    made = Site(tmp_path)
    with made.server:
        made.write_config()
        yield made


def digests(directory):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in directory.glob("*.om")}


def test_a_dry_run_prints_the_plan_and_leaves_nothing_behind(site, tmp_path):
    before = sorted(tmp_path.iterdir())
    result = site.run(f"{tmp_path}/history/", "--dry-run")
    assert result.exit_code == 0, result.output
    assert sorted(tmp_path.iterdir()) == before
    assert len(site.recorder.requests) == 2
    for wanted in (
        "acme",
        "globex",
        "2 orgs",
        "requests take at least",
        f"{START} to {END}",
        "every 1h",
    ):
        assert wanted in result.output
    assert "iblai_course_video_watch_seconds" in result.output
    assert "iblai_*_today" in result.output


def test_a_dry_run_with_a_number_of_courses_asks_nothing(site, tmp_path):
    result = site.run(f"{tmp_path}/history/", "--dry-run", courses=5)
    assert result.exit_code == 0, result.output
    assert site.recorder.requests == []


def test_the_plan_comes_true(site, tmp_path):
    result = site.run(f"{tmp_path}/history/")
    assert result.exit_code == 0, result.output
    planned = int(re.search(r"2 orgs *│ *([\d,]+)", result.output)[1].replace(",", ""))
    assert len(site.recorder.requests) == planned + 2
    assert f"with {planned + 2:,} requests" in result.output
    assert "promtool tsdb create-blocks-from openmetrics" in result.output
    progress = result.stderr.splitlines()
    assert len(progress) in {10, 11}
    assert all(line.endswith(f" of about {planned:,} requests") for line in progress)
    assert stat.S_IMODE((tmp_path / "history/.state").stat().st_mode) == 0o700


def test_one_file_is_written_where_the_output_is_no_directory(site, tmp_path):
    result = site.run(tmp_path / "history.om", "--org", "globex")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "history.om").read_text()
    assert text.endswith("# EOF\n")
    assert 'org="globex"' in text
    assert "acme" not in text


def test_the_next_step_can_be_pasted_into_a_shell(site, tmp_path):
    result = site.run(f"{tmp_path}/my history/")
    assert result.exit_code == 0, result.output
    (loop,) = [line for line in result.output.splitlines() if line.startswith("  for file in ")]
    files, _, _ = loop.removeprefix("  for file in ").partition("; do")
    listed = subprocess.run(["sh", "-c", f"ls {files}"], capture_output=True, check=True, text=True)
    written = sorted((tmp_path / "my history").glob("*.om"))
    assert listed.stdout.splitlines() == [str(path) for path in written] != []


def test_no_key_and_no_learner_is_written_or_printed(site, tmp_path):
    result = site.run(f"{tmp_path}/history/")
    site.config.unlink()
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    for text in (result.output.encode(), written):
        assert b"zz-learner-" not in text
        assert b"Zaphod" not in text
        assert not [org for org in site.university.orgs if org.api_key.encode() in text]


@pytest.mark.parametrize(
    ("more", "flags", "text"),
    [
        ({"end": TODAY + timedelta(days=2)}, (), "is in the future"),
        ({"start": TODAY - timedelta(days=2)}, (), "is after --end"),
        ({"start": "last year"}, (), "does not match the format"),
        ({"step": "7s"}, (), "from 15s to 1d"),
        ({"step": "5"}, (), "write a number and a unit|write 5s"),
        ({"label": "job"}, (), "not NAME=VALUE"),
        ({"label": "org=other"}, (), "labels? that the metrics have themselves|label that"),
        ({"start": "2012-01-01"}, (), "more than 3,335 days before"),
        ({}, ("--org", "initech"), "no org initech"),
        ({"config": "nowhere.yml"}, (), "nowhere.yml"),
    ],
)
def test_wrong_options_are_reported_before_anything_is_requested(site, tmp_path, more, flags, text):
    result = site.run(f"{tmp_path}/history/", *flags, **more)
    assert result.exit_code == 2, result.output
    assert re.search(text, result.output), result.output
    assert site.recorder.requests == []
    assert not (tmp_path / "history").exists()


def test_an_output_of_another_origin_is_not_overwritten(site, tmp_path):
    output = tmp_path / "history.om"
    output.write_text("precious")
    result = site.run(output)
    assert result.exit_code == 2
    assert "exists already" in result.output
    assert output.read_text() == "precious"


def test_labels_make_series_those_of_live_scrapes(site, tmp_path):
    flags = ("--label", "job=iblai", "--label", "instance=localhost:10880")
    result = site.run(tmp_path / "history.om", *flags)
    assert result.exit_code == 0, result.output
    wanted = '{instance="localhost:10880",job="iblai",org="acme"}'
    assert f"iblai_active_users_7d{wanted} " in (tmp_path / "history.om").read_text()


def test_an_endpoint_that_is_refused_is_reported_and_costs_its_own_gauges(site, tmp_path):
    site.plan.add(Fault.parse("status=403,endpoint=videos/over-time,org=acme"))
    result = site.run(tmp_path / "history.om")
    assert result.exit_code == 0, result.output
    assert re.search(r"acme: videos is incomplete: .*403", result.output)
    text = (tmp_path / "history.om").read_text()
    assert re.search(r'iblai_video_completions_7d{.*org="globex"', text)
    assert not re.search(r'iblai_video_completions_7d{.*org="acme"', text)


def test_an_org_without_values_is_named_and_the_other_is_written(site, tmp_path):
    site.plan.add(Fault.parse("status=401,org=acme"))
    result = site.run(tmp_path / "history.om")
    assert result.exit_code == 1
    assert "No values of acme." in result.output
    assert 'org="globex"' in (tmp_path / "history.om").read_text()


def test_an_org_that_cannot_be_reached_is_named_and_added_later(site, tmp_path):
    assert site.run(f"{tmp_path}/whole/").exit_code == 0
    site.plan.add(Fault.parse("status=503,org=acme"))
    result = site.run(f"{tmp_path}/history/")
    assert result.exit_code == 1
    assert "Incomplete: acme. Run the same command again" in result.output
    text = "".join(path.read_text() for path in (tmp_path / "history").glob("*.om"))
    assert 'org="globex"' in text
    assert 'org="acme"' not in text
    site.plan.clear()
    assert site.run(f"{tmp_path}/history/").exit_code == 0
    assert digests(tmp_path / "history") == digests(tmp_path / "whole")


def test_a_killed_run_continues_and_ends_with_the_same_bytes(site, tmp_path):
    assert site.run(f"{tmp_path}/whole/").exit_code == 0
    needed = len(site.recorder.requests)
    site.recorder.clear()
    environment = {**os.environ, "COLUMNS": "200"}
    killed = 0
    for pause in (3.0, 4.0, 5.0, 120):
        with subprocess.Popen(
            [*COMMAND, *site.arguments(f"{tmp_path}/history/"), "--rate-limit", "80"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
        ) as process:
            try:
                output, _ = process.communicate(timeout=pause)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
                continue
        assert process.returncode == 0, output.decode()
        break
    assert killed >= 1
    assert digests(tmp_path / "history") == digests(tmp_path / "whole")
    # What is not in the state file yet is requested again: a second, and what was in flight.
    assert len(site.recorder.requests) <= needed + killed * (80 * 2 + 8)


def test_a_run_without_an_end_continues_to_the_end_that_it_began_with(site, tmp_path):
    assert site.run(f"{tmp_path}/history/").exit_code == 0
    site.recorder.clear()
    arguments = site.arguments(f"{tmp_path}/history/")
    place = arguments.index("--end")
    result = CliRunner().invoke(backfill, arguments[:place] + arguments[place + 2 :])
    assert result.exit_code == 0, result.output
    assert f"{START} to {END}" in result.output
    assert len(site.recorder.requests) == 2  # the plan counts courses


@pytest.mark.parametrize("room", [100_000, 400_000])
def test_a_full_disk_is_reported_and_what_was_collected_is_kept(site, tmp_path, room):
    assert site.run(f"{tmp_path}/whole/", step="5m").exit_code == 0
    done = subprocess.run(
        [*COMMAND, *site.arguments(f"{tmp_path}/history/", step="5m")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "What was collected is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert digests(tmp_path / "history") == {}
    assert site.run(f"{tmp_path}/history/", step="5m").exit_code == 0
    assert digests(tmp_path / "history") == digests(tmp_path / "whole")


def test_two_runs_do_not_write_the_same_output_in_parallel(site, tmp_path):
    with subprocess.Popen(
        [*COMMAND, *site.arguments(f"{tmp_path}/history/"), "--rate-limit", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            end = time.monotonic() + 20
            while not site.recorder.requests and time.monotonic() < end:
                time.sleep(0.02)
            result = site.run(f"{tmp_path}/history/")
        finally:
            process.kill()
    assert result.exit_code == 1
    assert "another backfill uses it" in result.output
