"""What the rules say, and that all they speak of exists."""

import re
import subprocess

import pytest
import yaml

from deploy.prometheus import build, cases, drops
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


@pytest.mark.parametrize(
    ("figure", "days", "usual", "text"),
    [
        (
            drops.FIGURES[0],
            cases.over((97, 24), (43, 24)),
            100,
            "acme had 43 active users yesterday, where 100 are usual on that weekday: 57% fewer.",
        ),
        (
            drops.FIGURES[0],
            cases.over((34, 24), (37, 24)),
            60,
            (
                "acme had 71 active users in the last 2 days, where 120 are usual on those weekdays"
                ": 40.83% fewer."
            ),
        ),
        (
            drops.MESSAGES,
            cases.over((4, 24), (5, 24)),
            7.6,
            (
                "acme had 4.5 messages per chat session in the last 2 days, where 7.6 are usual on "
                "those weekdays: 40.79% fewer."
            ),
        ),
    ],
)
def test_a_drop_is_described_by_the_days_that_tell_it(figure, days, usual, text, tmp_path):
    series = cases.world(48) | cases.figures(figure, 48, day=days, usual_day=usual)
    name = f"Iblai{figure.camel}Drop"
    (alert,) = [one for one in ALERTS if one.name == name and one.labels["window"] == "1d"]
    told = {
        "exp_labels": {"org": "acme", "severity": "warning", **alert.labels},
        "exp_annotations": {
            "summary": alert.summary,
            "description": text,
            "runbook_url": f"{build.RUNBOOKS}#{name.lower()}",
            "dashboard_url": f"{build.GRAFANA}/d/iblai-org?var-org=acme",
        },
    }
    test = cases.file([cases.Case(figure.words, series, {})])
    test["tests"][0]["alert_rule_test"] = [
        {"alertname": name, "eval_time": "40h", "exp_alerts": [told]}
    ]
    path = tmp_path / "texts.yml"
    test |= {"rule_files": [str(build.HERE / "iblai-rules.yml")]}
    path.write_text(yaml.safe_dump(test), encoding="utf-8")
    ended = subprocess.run(
        ["promtool", "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


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


@pytest.mark.parametrize(("options", "first"), [((), "groups"), (("--operator",), "apiVersion")])
def test_a_file_of_ones_own_leads_to_ones_own_grafana(options, first, tmp_path):
    path = tmp_path / "rules.yml"
    build.main([f"--output={path}", "--grafana=https://g.example", *options])
    text = path.read_text(encoding="utf-8")
    assert next(iter(yaml.safe_load(text))) == first
    assert "dashboard_url: https://g.example/d/iblai-org?" in text
    assert build.GRAFANA not in text
