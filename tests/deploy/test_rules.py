"""The rules as Prometheus loads them: promtool checks and tests every file."""

import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.prometheus import build

RULES = ("iblai-rules.yml", "iblai-rules-compat.yml")
TESTS = sorted((build.HERE / "tests").glob("*.yml"))
RULES_PER_GROUP = 20
"""Default limit of Grafana Mimir, Grafana Cloud and Amazon Managed Service for Prometheus."""

GROUPS = 35
"""Default limit of Grafana Cloud for all rules of a tenant."""

BYTES = 1_000_000
"""Limit of a rule file of Amazon Managed Service for Prometheus."""


def promtool(*arguments: str | Path):
    ended = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def read(name: str):
    return yaml.safe_load((build.HERE / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", build.files(), ids=lambda path: path.name)
def test_committed_files_are_current(path: Path):
    assert path.read_text(encoding="utf-8") == build.files()[path]


def test_no_unit_test_is_left_from_before():
    assert {path.stem for path in TESTS} == set(build.tests())


@pytest.mark.parametrize("name", RULES)
def test_promtool_accepts_a_rule_file(name: str):
    promtool("check", "rules", "--lint=all", "--lint-fatal", build.HERE / name)


@pytest.mark.parametrize("name", RULES)
def test_a_rule_file_fits_into_the_default_limits_of_hosted_services(name: str):
    groups = read(name)["groups"]
    assert len({group["name"] for group in groups}) == len(groups) < GROUPS / 2
    for group in groups:
        assert len(group["rules"]) <= RULES_PER_GROUP, group["name"]
    assert (build.HERE / name).stat().st_size < BYTES


def test_the_operators_resource_has_rules_that_promtool_accepts(tmp_path: Path):
    resource = read("prometheusrule.yaml")
    assert resource["apiVersion"] == "monitoring.coreos.com/v1"
    assert resource["kind"] == "PrometheusRule"
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(resource["spec"]), encoding="utf-8")
    promtool("check", "rules", "--lint=all", "--lint-fatal", path)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(path: Path):
    promtool("test", "rules", path)


def test_every_alert_fires_in_some_unit_test():
    names = {alert.name for alert in build.alerts()}
    text = "".join(path.read_text(encoding="utf-8") for path in TESTS)
    assert {name for name in names if f'alertname="{name}"' in text} == names


def test_older_versions_of_prometheus_get_the_same_rules_without_keep_firing_for():
    modern, compat = (read(name) for name in RULES)
    kept = [
        rule.pop("keep_firing_for", None) for group in modern["groups"] for rule in group["rules"]
    ]
    assert any(kept)
    assert modern == compat


@pytest.mark.parametrize("name", ["drops", "silence", "gaps", "labels"])
def test_older_versions_of_prometheus_tolerate_gaps_as_well(name: str, tmp_path: Path):
    rules = {"rule_files": [str(build.HERE / "iblai-rules-compat.yml")]}
    copy = tmp_path / "tests.yml"
    copy.write_text(yaml.safe_dump(read(f"tests/{name}.yml") | rules), encoding="utf-8")
    promtool("test", "rules", copy)
