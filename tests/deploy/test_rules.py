"""The rules as Prometheus reads them: promtool checks and tests every file."""

import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.prometheus import build

RULES = ("iblai-rules.yml", "iblai-rules-compat.yml")
TESTS = sorted((build.HERE / "tests").glob("*.yml"))


def promtool(*arguments: str | Path):
    ended = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def read(name: str):
    return yaml.safe_load((build.HERE / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", build.files(), ids=lambda path: path.name)
def test_committed_files_are_what_the_table_builds(path: Path):
    assert path.read_text(encoding="utf-8") == build.files()[path]


@pytest.mark.parametrize("name", RULES)
def test_promtool_finds_no_fault_with_a_rule_file(name: str):
    promtool("check", "rules", "--lint=all", "--lint-fatal", build.HERE / name)


def test_the_operators_resource_holds_rules_that_promtool_finds_no_fault_with(tmp_path: Path):
    resource = read("prometheusrule.yaml")
    assert resource["apiVersion"] == "monitoring.coreos.com/v1"
    assert resource["kind"] == "PrometheusRule"
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump(resource["spec"]), encoding="utf-8")
    promtool("check", "rules", "--lint=all", "--lint-fatal", path)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(path: Path):
    promtool("test", "rules", path)


def test_old_versions_of_prometheus_get_the_same_rules_but_for_keep_firing():
    modern, compat = (read(name) for name in RULES)
    kept = [
        rule.pop("keep_firing_for", None) for group in modern["groups"] for rule in group["rules"]
    ]
    assert any(kept)
    assert modern == compat


def test_old_versions_of_prometheus_survive_gaps_too(tmp_path: Path):
    test = read("tests/gaps.yml") | {"rule_files": [str(build.HERE / "iblai-rules-compat.yml")]}
    copy = tmp_path / "gaps.yml"
    copy.write_text(yaml.safe_dump(test), encoding="utf-8")
    promtool("test", "rules", copy)
