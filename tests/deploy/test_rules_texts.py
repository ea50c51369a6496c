"""What the rules say, and that all they speak of exists."""

import re

import pytest

from deploy.prometheus import build, cases
from deploy.prometheus.rules import Severity
from exporter.catalog import METRICS, PREFIX
from exporter.collectors import COLLECTORS

ALERTS = build.alerts()
RUNBOOKS = (build.ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^#|\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))
PARTS = ("What it means.", "Impact.", "How to check.", "What to do.")
EXPRESSIONS = [rule.expr for group in build.groups() for rule in group.rules]


def test_each_alert_has_a_section_in_the_runbooks_and_each_section_an_alert():
    assert list(SECTIONS) == list(dict.fromkeys(alert.name for alert in ALERTS))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_what_it_means_and_what_to_do(name: str):
    assert tuple(re.findall(r"^\*\*(.+?)\*\* \S", SECTIONS[name], re.MULTILINE)) == PARTS


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_named_and_described_in_whole_sentences(alert):
    assert re.fullmatch(r"Iblai[A-Z]\w+", alert.name)
    assert alert.severity in Severity
    assert alert.summary.endswith(".")
    assert "{{" not in alert.summary
    assert alert.description.endswith(".")


def test_rules_read_only_metrics_that_the_exporter_has():
    read = set(re.findall(rf"(?<![:\w]){PREFIX}\w+", " ".join(EXPRESSIONS)))
    sharding = {"iblai_exporter_shard", "iblai_exporter_shards"}  # told only where orgs are sharded
    assert read - sharding <= {metric.name for metric in METRICS}


def test_rules_read_only_what_is_recorded():
    text = " ".join([*EXPRESSIONS, *(alert.description for alert in ALERTS)])
    recorded = {
        rule["record"]
        for group in map(build.as_mapping, build.groups())
        for rule in group["rules"]
        if "record" in rule
    }
    assert set(re.findall(r"\w+:\w+:\w+", text)) == recorded


def test_rules_and_their_tests_know_the_collectors():
    names = {collector.name for collector in COLLECTORS}
    assert set(re.findall(r'collector="(\w+)"', " ".join(EXPRESSIONS))) <= names
    assert set(cases.COLLECTORS) <= names


def test_addresses_and_rhythms_are_an_operators_to_set():
    options = build.Options(
        runbooks="https://wiki.example/r", grafana="https://g.example", interval=600, pace=0.001
    )
    text = build.rules_file(options)
    assert "runbook_url: https://wiki.example/r#iblaiorgfailing" in text
    assert "dashboard_url: https://g.example/d/iblai-org?" in text
    assert "> 3600\n" in text
    assert "for: 11s" in text
