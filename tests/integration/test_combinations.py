"""Two things at once, with the real process: an org that hangs, a kill, a restart, a reload."""

import itertools
import os
import signal
import time

import pytest
import yaml

from tests.integration.conftest import fetch, until
from tests.integration.fake_api import COURSES, FakeApi, Fault

KEY = "0123456789abcdef" * 4


@pytest.fixture
def api():
    with FakeApi() as api:
        yield api


def configure(path, url, orgs, **settings):
    tree = {
        "base_url": url,
        "user_id": "ops",
        "api_key": KEY,
        "interval": "2s",
        "history_interval": "4s",
        "collectors": {"past_active_users": False},
        **settings,
        "orgs": [{"key": org} if isinstance(org, str) else org for org in orgs],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


def value(text, series):
    """Return the value of one series of a page, or None."""
    found = [line for line in text.splitlines() if line.startswith(series + " ")]
    return float(found[0].rpartition(" ")[2]) if found else None


def test_an_org_that_hangs_does_not_stop_the_others_when_all_slots_are_in_use(
    exporter, api, tmp_path
):
    orgs = [f"org{number}" for number in range(20)]
    api.faults = [Fault(org="org0", delay=600)]
    api.latency = 0.02
    config = configure(
        tmp_path / "iblai.yml",
        api.url,
        orgs,
        api={"timeout": "2s", "concurrency": 64, "rate_limit": 1000},
    )
    process = exporter("serve", "--config", config)
    time.sleep(20)
    since = time.monotonic() - 8
    recent = {request.org for request in api.received if request.at > since}
    assert recent >= set(orgs[1:])
    page = process.metrics()
    for org in orgs[1:]:
        assert value(page, f'iblai_up{{org="{org}"}}') == 1, org
        assert value(page, f'iblai_enrollments_today{{org="{org}"}}') == 3, org
    assert value(page, 'iblai_up{org="org0"}') == 0
    assert value(page, 'iblai_api_requests_total{code="timeout",org="org0"}') > 0


def test_a_response_may_take_as_long_as_the_timeout_says_however_busy_the_queue_is(
    exporter, api, tmp_path
):
    orgs = [f"org{number}" for number in range(6)]
    api.faults = [Fault(org="org0", path="videos/over-time", delay=5)]
    config = configure(
        tmp_path / "iblai.yml",
        api.url,
        orgs,
        interval="1s",
        api={"timeout": "30s", "concurrency": 4, "rate_limit": 50},
    )
    process = exporter("serve", "--config", config)
    until(
        lambda: value(process.metrics(), 'iblai_video_completions_7d{org="org0"}') == 21,
        within=40,
        what="the slow response",
    )
    page = process.metrics()
    assert value(page, 'iblai_api_requests_total{code="timeout",org="org0"}') == 0
    assert value(page, 'iblai_api_requests_total{code="cancelled",org="org0"}') == 0


def test_a_greedy_org_slows_down_only_itself(exporter, api, tmp_path):
    orgs = [{"key": "greedy", "interval": "1s"}, *(f"org{number}" for number in range(10))]
    config = configure(
        tmp_path / "iblai.yml",
        api.url,
        orgs,
        interval="20s",
        history_interval="1h",
        courses={"enrollments": False},
        api={"rate_limit": 5, "concurrency": 8},
    )
    process = exporter("serve", "--config", config, wait="/-/healthy")
    time.sleep(75)
    page = process.metrics()
    assert value(page, "iblai_exporter_schedule_stretch_ratio") > 1
    for number in range(10):
        at = [r.at for r in api.of(f"org{number}") if r.path.endswith("videos/over-time")]
        gaps = [later - earlier for earlier, later in itertools.pairwise(at)]
        # After the start, where the first round of all orgs comes first.
        assert len(at) >= 3, (number, gaps)
        assert max(gaps[1:]) < 20 * 1.5, (number, gaps)


def test_a_killed_exporter_serves_its_values_within_five_seconds_of_its_next_start(
    exporter, api, tmp_path
):
    state = tmp_path / "state"
    config = configure(
        tmp_path / "iblai.yml",
        api.url,
        [f"org{number}" for number in range(40)],
        interval="5m",
        history_interval="1h",
        state_dir=str(state),
        api={"rate_limit": 1000},
    )
    first = exporter("serve", "--config", config)
    until(
        lambda: first.metrics().count("iblai_course_enrollments_7d{") == 40 * len(COURSES),
        within=60,
        what="all values",
    )
    time.sleep(2.5)  # one transaction of the state file
    first.signal(signal.SIGKILL)
    first.process.wait()
    before = len(api.received)
    api.faults = [Fault(status=503)]
    started = time.monotonic()
    second = exporter("serve", "--config", config)
    page = second.metrics()
    assert time.monotonic() - started < 5 * _slow()
    assert page.count("iblai_course_enrollments_7d{") == 40 * len(COURSES)
    assert value(page, 'iblai_enrollments_7d{org="org39"}') == 21
    time.sleep(3)
    assert len(api.received) == before


def _slow():
    """Return how many times slower than alone this machine may be."""
    return max(1.0, os.getloadavg()[0] / 2)


def test_a_reload_while_the_api_is_down_changes_labels_and_keeps_values(exporter, api, tmp_path):
    path = tmp_path / "iblai.yml"
    orgs = [f"org{number}" for number in range(40)]
    slow = {"interval": "5m", "history_interval": "1h", "api": {"rate_limit": 1000}}
    configure(path, api.url, orgs, **slow)
    process = exporter("serve", "--config", path)
    assert process.metrics().count("iblai_enrollments_7d{") == 40
    api.faults = [Fault(status=503)]
    configure(path, api.url, orgs, labels={"team": "x"}, **slow)
    process.signal(signal.SIGHUP)
    until(
        lambda: (
            process.metrics().count("iblai_enrollments_7d{") == 40
            and value(process.metrics(), 'iblai_enrollments_7d{org="org0",team="x"}') == 21
        ),
        within=10,
        what="the new label on every org",
    )


def test_a_missing_key_file_costs_its_org_alone_at_start(exporter, api, tmp_path):
    config = configure(tmp_path / "iblai.yml", api.url, ["acme"])
    tree = yaml.safe_load(config.read_text())
    del tree["api_key"]
    tree["orgs"] = [{"key": "acme", "api_key": KEY}, {"key": "globex", "api_key_file": "missing"}]
    config.write_text(yaml.safe_dump(tree))
    process = exporter("serve", "--config", config)
    page = process.metrics()
    assert value(page, 'iblai_up{org="acme"}') == 1
    assert value(page, 'iblai_up{org="globex"}') == 0
    assert "missing" in process.said()
    assert fetch(f"{process.url}/-/ready")[0] == 200


def test_orgs_of_a_kubernetes_volume_come_change_and_go_while_running(exporter, api, tmp_path):
    volume = tmp_path / "orgs"

    def publish(version, **files):
        (volume / version).mkdir(parents=True)
        for name, text in files.items():
            (volume / version / f"{name}.yml").write_text(text)
        (volume / "..new").symlink_to(version)
        (volume / "..new").rename(volume / "..data")
        for path in volume.glob("*.yml"):
            if path.stem not in files:
                path.unlink()
        for name in files:
            if not (volume / f"{name}.yml").is_symlink():
                (volume / f"{name}.yml").symlink_to(f"..data/{name}.yml")

    publish("..1", acme="key: acme\n")
    config = configure(tmp_path / "iblai.yml", api.url, [], orgs_dir="orgs")
    process = exporter("serve", "--config", config)
    assert value(process.metrics(), 'iblai_enrollments_7d{org="acme"}') == 21
    publish("..2", acme="key: acme\nlabels: {team: x}\n", globex="- key: globex\n")
    until(
        lambda: (
            value(process.metrics(), 'iblai_enrollments_7d{org="acme",team="x"}') == 21
            and value(process.metrics(), 'iblai_enrollments_7d{org="globex"}') == 21
        ),
        within=20,
        what="the second version",
    )
    publish("..3", globex="- key: globex\n")
    until(
        lambda: 'org="acme"' not in process.metrics(),
        within=20,
        what="the removal of an org",
    )
    assert value(process.metrics(), 'iblai_enrollments_7d{org="globex"}') == 21
