"""A configuration loaded anew: by signal, by request, by watching the file."""

import json
import re
import signal
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.demo.background import Background
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from tests.integration.conftest import Exporter, fetch, until
from tests.recorder import Recorder, RecorderMiddleware


class Operator:
    """Someone with a configuration file for a simulated platform."""

    def __init__(self, path, url, university):
        self.path = path
        self.orgs = {
            org.key: {"key": org.key, "user_id": org.user_id, "api_key": org.api_key}
            for org in university.orgs
        }
        self.common = {
            "base_url": url,
            "api": {"rate_limit": 500},
            "collectors": {"past_active_users": False},  # sends requests for a while
        }
        self.write("acme", "globex")

    def write(self, *keys, **more):
        orgs = [self.orgs[key] for key in keys]
        self.path.write_text(yaml.safe_dump({**self.common, **more, "orgs": orgs}))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def operator(tmp_path, recorder):
    university = University(orgs=3, courses=3)
    app = RecorderMiddleware(build_platform(university), recorder=recorder)
    with Background(app) as running:
        yield Operator(tmp_path / "iblai.yml", running.url, university)


def value(process, name, **labels):
    for family in text_string_to_metric_families(process.metrics()):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return sample.value
    return None


def seven_days(process, org):
    return value(process, "iblai_active_users_7d", org=org)


def ways(process):
    return {
        "signal": lambda: process.signal(signal.SIGHUP),
        "request": lambda: fetch(f"{process.url}/-/reload", method="POST"),
        "watching": lambda: None,
    }


@pytest.mark.parametrize("way", ["signal", "request", "watching"])
def test_orgs_come_and_go_without_touching_the_others(exporter, operator, recorder, way):
    process = exporter(
        "serve", "--config", operator.path, "--web.enable-reload", "--watch-config"
        if way == "watching" else "--web.enable-reload"
    )  # fmt: skip
    until(lambda: seven_days(process, "acme") and seven_days(process, "globex"), what="values")
    until(
        lambda: (
            value(process, "iblai_collector_success", org="acme", collector="mentors") != 0
            and value(
                process, "iblai_collector_success", org="acme", collector="course_enrollments"
            )
        )
    )
    asked = len(recorder.select(org="acme"))
    operator.write("acme", "initech")
    ways(process)[way]()
    until(lambda: seven_days(process, "initech"), what="the new org")
    assert 'org="globex"' not in process.metrics()
    assert seven_days(process, "acme")
    assert len(recorder.select(org="acme")) == asked
    assert value(process, "iblai_exporter_config_last_reload_successful") == 1


def test_a_bad_file_keeps_the_old_configuration_and_is_reported(exporter, operator):
    process = exporter("serve", "--config", operator.path, "--web.enable-reload")
    until(lambda: seven_days(process, "acme"), what="values")
    loaded = value(process, "iblai_exporter_config_last_reload_success_timestamp_seconds")
    operator.write("acme", intervall="5m")
    status, _, body = fetch(f"{process.url}/-/reload", method="POST")
    assert status == 500
    assert "intervall: unknown key; did you mean interval?" in body
    assert value(process, "iblai_exporter_config_last_reload_successful") == 0
    after = value(process, "iblai_exporter_config_last_reload_success_timestamp_seconds")
    assert after == loaded
    assert seven_days(process, "globex")
    operator.write("acme")
    assert fetch(f"{process.url}/-/reload", method="POST")[0] == 200
    assert value(process, "iblai_exporter_config_last_reload_successful") == 1
    assert seven_days(process, "globex") is None


def test_settings_that_need_a_restart_are_reported_until_they_are_in_use_again(exporter, operator):
    process = exporter("serve", "--config", operator.path, "--web.enable-reload")
    assert value(process, "iblai_exporter_restart_required") == 0
    for _ in range(2):
        operator.write("acme", log={"level": "error"})
        assert fetch(f"{process.url}/-/reload", method="POST")[0] == 200
        assert value(process, "iblai_exporter_restart_required") == 1
    operator.write("acme", web={"external_url": "https://metrics.example.org"})
    assert fetch(f"{process.url}/-/reload", method="POST")[0] == 200
    assert value(process, "iblai_exporter_restart_required") == 0
    assert "metrics.example.org" in fetch(f"{process.url}/sd")[2]


def test_reload_over_http_is_off_unless_it_is_switched_on(exporter, operator):
    process = exporter("serve", "--config", operator.path)
    status, _, body = fetch(f"{process.url}/-/reload", method="POST")
    assert status == 403
    assert "web.enable_reload" in body
    assert fetch(f"{process.url}/-/reload")[0] == 405


def test_each_org_has_an_up_of_its_own_by_discovery(exporter, operator, prometheus):
    process = exporter("serve", "--config", operator.path)
    until(lambda: seven_days(process, "acme") and seven_days(process, "globex"), what="values")
    server = prometheus(
        f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: iblai
    http_sd_configs: [{{url: "{process.url}/sd", refresh_interval: 1s}}]
    relabel_configs:
      - {{source_labels: [__param_target], target_label: instance}}
"""
    )

    def up():
        return {dict(key)["instance"]: value for key, value in server.query("up").items()}

    until(lambda: up() == {"acme": 1, "globex": 1}, what="an up for each org")
    found = server.query("iblai_active_users_7d")
    assert {(dict(key)["instance"], dict(key)["org"]) for key in found} == {
        ("acme", "acme"),
        ("globex", "globex"),
    }
    operator.write("acme", "initech")
    process.signal(signal.SIGHUP)
    until(lambda: up().keys() >= {"initech"}, what="the new org")


def test_a_reload_requested_during_the_start_does_not_end_the_process(operator, tmp_path):
    def ignored():
        status = Path(f"/proc/{process.process.pid}/status").read_text()
        (mask,) = re.findall(r"^SigIgn:\s*([0-9a-f]+)", status, re.MULTILINE)
        return int(mask, 16) >> (signal.SIGHUP - 1) & 1

    with Exporter("serve", "--config", operator.path, cwd=tmp_path) as process:
        until(ignored, what="a start that heeds no reload")
        process.signal(signal.SIGHUP)
        process.wait("/-/healthy")


def test_probe_gives_one_org_and_404_for_others(exporter, operator):
    process = exporter("serve", "--config", operator.path)
    until(lambda: seven_days(process, "globex"), what="values")
    status, headers, body = fetch(f"{process.url}/probe?target=globex")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'org="globex"' in body
    assert "acme" not in body
    assert fetch(f"{process.url}/probe?target=nobody")[0] == 404
    assert fetch(f"{process.url}/probe")[0] == 400


def test_discovery_names_the_address_that_prometheus_can_reach(exporter, operator):
    process = exporter("serve", "--config", operator.path)
    (acme, _) = json.loads(fetch(f"{process.url}/sd")[2])
    assert acme["targets"] == [f"127.0.0.1:{process.port}"]
    assert acme["labels"]["__metrics_path__"] == "/probe"
    assert acme["labels"]["__param_target"] == "acme"


def test_discovery_makes_no_target_of_what_is_no_host(exporter, operator):
    process = exporter("serve", "--config", operator.path)
    for host in ('x"}]', "[x", "a/b", "user@x", "x?y", "x:port"):
        status, _, body = fetch(f"{process.url}/sd", headers={"Host": host})
        assert (status, "Host header" in body) == (400, True), host
    for host in ("exporter", "exporter:10880", "10.0.0.1:80", "[::1]:10880"):
        (acme, _) = json.loads(fetch(f"{process.url}/sd", headers={"Host": host})[2])
        assert acme["targets"] == [host]
    assert "Exception" not in process.said()


def test_discovery_behind_a_proxy_names_the_proxy(exporter, operator):
    outside = {"IBLAI_WEB__EXTERNAL_URL": "https://metrics.example.org/iblai/"}
    process = exporter("serve", "--config", operator.path, env=outside)
    (acme, _) = json.loads(fetch(f"{process.url}/sd")[2])
    assert acme["targets"] == ["metrics.example.org"]
    assert acme["labels"]["__scheme__"] == "https"
    assert acme["labels"]["__metrics_path__"] == "/iblai/probe"
