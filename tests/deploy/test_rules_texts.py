"""What the rules say, and that everything they name exists."""

import re
import subprocess

import pytest
import yaml

from deploy.prometheus import build, cases, engagement
from deploy.prometheus.rules import Severity
from exporter import catalog
from exporter.catalog import METRICS, PREFIX
from exporter.collectors import COLLECTORS

ALERTS = build.alerts()
RUNBOOKS = (build.ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^#|\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))
PARTS = ("What it means.", "Impact.", "How to check.", "What to do.")
EXPRESSIONS = [rule.expr for group in build.groups() for rule in group.rules]
NAMES = {metric.name for metric in METRICS}
NOT_WATCHED = {"unenrollments", "cost", "registrations"}


def test_each_alert_has_a_runbook_and_each_runbook_an_alert():
    assert list(SECTIONS) == list(dict.fromkeys(alert.name for alert in ALERTS))


@pytest.mark.parametrize("name", SECTIONS)
def test_a_runbook_says_what_an_alert_means_and_what_to_do(name):
    assert tuple(re.findall(r"^\*\*(.+?)\*\* \S", SECTIONS[name], re.MULTILINE)) == PARTS


def test_runbooks_name_only_metrics_and_records_that_exist():
    named = set(re.findall(rf"(?<![\w:]){PREFIX}\w+", RUNBOOKS))
    assert named <= NAMES
    assert set(re.findall(r"iblai:\w+", RUNBOOKS)) <= recorded()


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_named_and_described_in_sentences(alert):
    assert re.fullmatch(r"Iblai[A-Z]\w+", alert.name)
    assert alert.severity in Severity
    assert alert.summary.endswith(".")
    assert "{{" not in alert.summary
    assert alert.description.endswith(".")


def test_links_lead_to_lower_case_headings_at_an_address_that_operators_replace():
    assert build.RUNBOOKS.startswith("https://runbooks.example/")
    for group in map(build.as_mapping, build.groups()):
        for rule in group["rules"]:
            if "alert" in rule:
                address = rule["annotations"]["runbook_url"]
                assert address == f"{build.RUNBOOKS}#{rule['alert'].lower()}"


DROP, SILENT, COST = "IblaiEngagementDrop", "IblaiEngagementSilent", "IblaiCostHigh"
USERS, TIME, MESSAGES = catalog.ACTIVE_USERS, catalog.TIME_SPENT, catalog.AVG_MESSAGES


@pytest.mark.parametrize(
    ("name", "measure", "of", "labels", "text"),
    [
        (
            DROP,
            USERS,
            {"1d": 43, "1d_expected": 100.4, "1d_expected_low": 62},
            {"window": "1d"},
            "acme: active users yesterday: 43, which is below the expected range. Expected: 100.",
        ),
        (
            DROP,
            TIME,
            {"7d": 7200, "7d_expected": 360000, "7d_expected_low": 200000},
            {"window": "7d"},
            (
                "acme: time spent in the last 7 days: 2h 0m 0s, which is below the expected range."
                " Expected: 4d 4h 0m 0s."
            ),
        ),
        (
            DROP,
            MESSAGES,
            {"1d": 4.52, "1d_expected_low": 5},
            {"window": "1d"},
            ("acme: avg messages per session yesterday: 4.5, which is below the expected range."),
        ),
        (
            SILENT,
            USERS,
            {"1d": 0, "1d_expected": 100.4, "1d_expected_low": 62},
            {},
            ("acme: active users yesterday: 0, which is below the expected range. Expected: 100."),
        ),
        (
            COST,
            catalog.COST,
            {"1d": 140, "1d_expected": 40},
            {"window": "1d"},
            "acme has spent $140.00 on agents yesterday. Expected: $40.00 in a day.",
        ),
    ],
)
def test_an_alert_gives_the_value_and_what_was_expected(name, measure, of, labels, text, tmp_path):
    """The other cluster has the same org, with other values."""
    series = {}
    for cluster, factor in (("a", 1), ("b", 1000)):
        at = f'cluster="{cluster}",{cases.INSTANCE}'
        given = {suffix: value * factor for suffix, value in of.items()}
        if factor > 1:
            given |= {key: 0 for key in given if key.endswith("_low")}
            given |= dict.fromkeys(("1d", "7d"), 0 if name == COST else 1e9)
        series |= cases.exporter(6, instance=at) | cases.values(measure, 6, of=given, instance=at)
    (alert,) = [one for one in ALERTS if one.name == name and labels.items() >= one.labels.items()]
    figure = {} if name == COST else {"figure": measure.name}
    exposed = {
        "org": "acme",
        "job": cases.JOB,
        "cluster": "a",
        "severity": str(alert.severity),
        **figure,
        **labels,
    }
    query = f"&var-figure={measure.name}&var-window={labels.get('window', '1d')}" if figure else ""
    board = "iblai-org" if figure else "iblai-costs"
    told = {
        "exp_labels": exposed,
        "exp_annotations": {
            "summary": alert.summary,
            "description": text,
            "runbook_url": f"{build.RUNBOOKS}#{name.lower()}",
            "dashboard_url": f"{build.GRAFANA}/d/{board}?var-org=acme{query}",
        },
    }
    test = cases.file([cases.Case(name, series, {})])
    test["tests"][0]["alert_rule_test"] = [
        {"alertname": name, "eval_time": "5h", "exp_alerts": [told]}
    ]
    path = tmp_path / "texts.yml"
    test |= {"rule_files": [str(build.HERE / "iblai-rules.yml")]}
    path.write_text(yaml.safe_dump(test), encoding="utf-8")
    ended = subprocess.run(
        ["promtool", "test", "rules", path], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def recorded():
    return {
        rule["record"]
        for group in map(build.as_mapping, build.groups())
        for rule in group["rules"]
        if "record" in rule
    }


def test_rules_use_only_metrics_that_the_exporter_has():
    assert set(re.findall(rf"(?<![\w:]){PREFIX}\w+", " ".join(EXPRESSIONS))) <= NAMES


def test_alerts_use_only_what_is_recorded():
    text = " ".join([*EXPRESSIONS, *(alert.description for alert in ALERTS)])
    assert set(re.findall(r"iblai:\w+", text)) <= recorded()
    assert recorded() == {engagement.VALUE, engagement.EXPECTED, engagement.LOW}


def test_every_measure_with_an_expected_range_is_watched_or_named_as_an_exception():
    expected = {measure.name for measure in catalog.WINDOWED if measure.expected}
    assert expected == {measure.name for measure in engagement.MEASURES} | NOT_WATCHED


def test_tests_of_the_rules_know_the_collectors():
    assert set(cases.COLLECTORS) <= {collector.name for collector in COLLECTORS}


def test_addresses_and_waits_are_options():
    options = build.Options(
        runbooks="https://wiki.example/r", grafana="https://g.example", time_scale=0.001
    )
    text = build.rules_file(options)
    assert "runbook_url: https://wiki.example/r#iblaiorgdown" in text
    assert "dashboard_url: https://g.example/d/iblai-org?" in text
    assert "for: 11s" in text


@pytest.mark.parametrize(
    ("format_", "first"),
    [("prometheus", "groups"), ("operator", "apiVersion"), ("grafana", "apiVersion")],
)
def test_a_single_file_leads_to_your_own_grafana(format_, first, tmp_path):
    path = tmp_path / "rules.yml"
    build.main([f"--output={path}", "--grafana=https://g.example", f"--format={format_}"])
    text = path.read_text(encoding="utf-8")
    assert next(iter(yaml.safe_load(text))) == first
    assert "dashboard_url: https://g.example/d/iblai-org?" in text
    assert build.GRAFANA not in text
