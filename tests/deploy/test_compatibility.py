"""Servers that scrape the exporter and evaluate its rules: Prometheus and VictoriaMetrics."""

import json
import shutil
import subprocess
import urllib.parse

import pytest
import yaml

from tests.deploy.tools import ROOT, tool
from tests.integration.conftest import Exporter, Process, Prometheus, fetch, free_port, until

RULES = sorted((ROOT / "deploy/prometheus").glob("iblai-rules*.yml"))
UNIT_TESTS = sorted((ROOT / "deploy/prometheus/tests").glob("*.yml"))
OLD, NEW = "Debian's Prometheus", "current Prometheus"
SAMPLE = 'iblai_active_users_7d{org="acme"}'


def program(name, which):
    """Return the path of Debian's program, or of the one that is built from its module."""
    return shutil.which(name) if which == OLD else tool(name)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    directory = tmp_path_factory.mktemp("demo")
    with Exporter("demo", "--orgs=1", "--courses=3", cwd=directory) as process:
        yield process.wait(within=60)


@pytest.fixture
def rules(tmp_path):
    """Return the rules with groups that are evaluated every second."""
    (modern,) = [path for path in RULES if path.stem == "iblai-rules"]
    document = yaml.safe_load(modern.read_text(encoding="utf-8"))
    for group in document["groups"]:
        group["interval"] = "1s"
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(document))
    return path


def scrape_config(demo, **more):
    target = demo.url.removeprefix("http://")
    job = {"job_name": "iblai", "static_configs": [{"targets": [target]}]}
    return yaml.safe_dump(
        {"global": {"scrape_interval": "1s"}, "scrape_configs": [job], **more}, sort_keys=False
    )


def states(groups):
    """Return the health and the error of every rule by its name."""
    return {
        (group["name"], rule["name"]): (rule["health"], rule.get("lastError", ""))
        for group in groups
        for rule in group["rules"]
    }


def evaluated(read):
    """Return the states of all rules once each has been evaluated."""

    def done():
        found = states(read())
        return found if found and all(health != "unknown" for health, _ in found.values()) else None

    return until(done, within=60, what="the evaluation of every rule")


@pytest.mark.parametrize("which", [OLD, NEW])
def test_prometheus_scrapes_the_exporter_and_evaluates_every_rule(which, demo, rules, tmp_path):
    prometheus = Prometheus(scrape_config(demo, rule_files=[str(rules)]), cwd=tmp_path)
    prometheus.command[0] = program("prometheus", which)
    with prometheus:
        prometheus.wait()
        until(lambda: prometheus.query(SAMPLE), what="the first scrape")
        found = evaluated(lambda: prometheus.get("rules")["groups"])
        assert {name: state for name, state in found.items() if state != ("ok", "")} == {}
        (target,) = prometheus.get("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
    assert not [line for line in prometheus.said().splitlines() if "iblai" in line]


@pytest.mark.parametrize("which", [OLD, NEW])
def test_promtool_finds_nothing_to_improve_in_the_metrics(which, demo):
    ended = subprocess.run(
        [program("promtool", which), "check", "metrics"],
        input=demo.metrics(accept="text/plain"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_current_promtool_accepts_the_rules(path):
    ended = subprocess.run(
        [tool("promtool"), "check", "rules", "--lint=all", "--lint-fatal", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_alerts_are_the_same_with_a_current_promtool(path):
    ended = subprocess.run(
        [tool("promtool"), "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_victoria_metrics_scrapes_the_exporter_and_vmalert_evaluates_every_rule(
    demo, rules, tmp_path
):
    config = tmp_path / "scrape.yml"
    config.write_text(scrape_config(demo))
    store, alerts = (f"127.0.0.1:{free_port()}" for _ in range(2))
    server = Process(
        tool("victoria-metrics"),
        f"-promscrape.config={config}",
        f"-storageDataPath={tmp_path / 'data'}",
        f"-httpListenAddr={store}",
        "-search.latencyOffset=0s",
        cwd=tmp_path,
    )
    vmalert = Process(
        tool("vmalert"),
        f"-rule={rules}",
        f"-datasource.url=http://{store}",
        f"-remoteWrite.url=http://{store}",
        "-notifier.blackhole",
        f"-httpListenAddr={alerts}",
        cwd=tmp_path,
    )

    def get(address, path, **query):
        status, _, body = fetch(f"http://{address}/api/v1/{path}?{urllib.parse.urlencode(query)}")
        assert status == 200, body
        return json.loads(body)["data"]

    with server:
        until(lambda: get(store, "query", query=SAMPLE)["result"], what="the first scrape")
        with vmalert:
            found = evaluated(lambda: get(alerts, "rules")["groups"])
            assert {name: state for name, state in found.items() if state != ("ok", "")} == {}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_vmalert_accepts_the_rules(path):
    ended = subprocess.run(
        [tool("vmalert"), f"-rule={path}", "-dryRun"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
