"""The alerts for Grafana's own alerting: the file that it provisions, and what it evaluates.

Its expressions are evaluated by Prometheus, on the unit tests of the rules of Prometheus.
"""

import re
import subprocess

import pytest
import yaml
from grafana_foundation_sdk.models.alerting import Query, RelativeTimeRange

from deploy.prometheus import build, grafana

DOCUMENT = yaml.safe_load(build.GRAFANA_RULES.read_text(encoding="utf-8"))
RULES = {rule["uid"]: rule for group in DOCUMENT["groups"] for rule in group["rules"]}
PROMETHEUS = {
    rule["alert"]
    if "window" not in rule["labels"]
    else f"{rule['alert']} {rule['labels']['window']}": rule
    for group in map(build.as_mapping, build.groups())
    for rule in group["rules"]
    if "alert" in rule
}
TESTS = sorted((build.HERE / "tests").glob("*.yml"))

GROUP_FIELDS = {"orgId", "name", "folder", "interval", "rules"}
RULE_FIELDS = {
    "uid": str,
    "title": str,
    "condition": str,
    "data": list,
    "noDataState": str,
    "execErrState": str,
    "for": str,
    "missing_series_evals_to_resolve": int,
    "annotations": dict,
    "labels": dict,
    "isPaused": bool,
}
"""Fields of Grafana's provisioning files, with these spellings: others are ignored silently."""

QUERY_FIELDS = {"refId", "queryType", "relativeTimeRange", "datasourceUid", "model"}
NO_DATA = {"Alerting", "NoData", "OK", "KeepLast"}
ERROR = {"Alerting", "Error", "OK", "KeepLast"}
ONLY_PROMETHEUS = ("query", "first", "value", "label", "strvalue", "sortByLabel")
"""Functions of templates that Grafana does not have."""


def promtool(*arguments):
    ended = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def expression(rule, name="query"):
    (found,) = [step["model"]["expr"] for step in rule["data"] if step["refId"] == name]
    return found


def test_the_document_has_the_fields_that_grafana_provisions():
    assert DOCUMENT["apiVersion"] == 1
    for group in DOCUMENT["groups"]:
        assert set(group) == GROUP_FIELDS
        assert group["interval"] == "1m"
        for rule in group["rules"]:
            assert {field: type(value) for field, value in rule.items()} == RULE_FIELDS
            assert rule["noDataState"] in NO_DATA
            assert rule["execErrState"] in ERROR
            assert rule["missing_series_evals_to_resolve"] > 0
            assert rule["condition"] in {step["refId"] for step in rule["data"]}
            for texts in (rule["annotations"], rule["labels"]):
                assert all(isinstance(text, str) for text in texts.values())


@pytest.mark.parametrize("uid", RULES)
def test_a_step_is_a_query_of_grafanas_schema(uid):
    for step in RULES[uid]["data"]:
        assert set(step) <= QUERY_FIELDS
        assert step["model"]["refId"] == step["refId"]
        assert step["model"]["datasource"]["uid"] == step["datasourceUid"]
        query = Query.from_json(step)
        assert query.to_json()["refId"] == step["refId"]
        assert isinstance(query.relative_time_range, RelativeTimeRange)


def test_uids_and_titles_are_unique_and_short_enough():
    rules = [rule for group in DOCUMENT["groups"] for rule in group["rules"]]
    assert len(RULES) == len(rules) == len({rule["title"] for rule in rules})
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", uid) for uid in RULES)


def test_every_alert_of_prometheus_is_there_with_the_same_terms():
    found = {rule["title"]: rule for rule in RULES.values()}
    assert found.keys() == PROMETHEUS.keys()
    for title, rule in found.items():
        other = PROMETHEUS[title]
        assert rule["labels"] == other["labels"]
        assert rule["for"] == other["for"]
        for text in ("summary", "runbook_url", "dashboard_url"):
            assert rule["annotations"][text] == other["annotations"][text]


def test_every_value_that_an_expression_returns_is_an_alert():
    for rule in RULES.values():
        steps = {step["refId"]: step["model"] for step in rule["data"]}
        assert steps["prometheus_math"]["expression"].startswith("is_number($query)")
        assert steps["threshold"]["expression"] == "prometheus_math"
        assert steps["threshold"]["conditions"] == [{"evaluator": {"type": "gt", "params": [0]}}]


def as_prometheus_rules():
    """Return what Grafana evaluates as rules of Prometheus."""
    return {
        "groups": [
            {
                "name": group["name"],
                "interval": group["interval"],
                "rules": [
                    {
                        "alert": rule["title"].partition(" ")[0],
                        "expr": expression(rule),
                        "for": rule["for"],
                        "labels": rule["labels"],
                        "annotations": {"description": in_prometheus_terms(rule)},
                    }
                    | (
                        {"keep_firing_for": f"{evaluations * grafana.EVERY}s"}
                        if (evaluations := rule["missing_series_evals_to_resolve"]) > 1
                        else {}
                    )
                    for rule in group["rules"]
                ],
            }
            for group in DOCUMENT["groups"]
        ]
    }


def in_prometheus_terms(rule):
    """Return the description with the variables that Grafana defines."""
    return "{{ $values := .Values }}" + rule["annotations"]["description"]


@pytest.fixture(scope="module")
def rules_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("grafana") / "rules.yml"
    path.write_text(yaml.safe_dump(as_prometheus_rules()), encoding="utf-8")
    return path


def test_expressions_and_templates_can_be_parsed(rules_file):
    promtool("check", "rules", "--lint=all", "--lint-fatal", rules_file)


def test_expressions_use_no_recording_rules():
    text = build.GRAFANA_RULES.read_text(encoding="utf-8")
    assert "iblai:" not in text


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_alerts_fire_exactly_when_those_of_prometheus_do(path, rules_file, tmp_path):
    test = yaml.safe_load(path.read_text(encoding="utf-8")) | {"rule_files": [str(rules_file)]}
    copy = tmp_path / "tests.yml"
    copy.write_text(yaml.safe_dump(test), encoding="utf-8")
    promtool("test", "rules", copy)


@pytest.mark.parametrize("uid", RULES)
def test_templates_use_only_what_grafana_has(uid):
    for text in RULES[uid]["annotations"].values():
        for action in re.findall(r"\{\{(.*?)\}\}", text):
            words = re.sub(r'"[^"]*"', "", action)
            assert not set(re.findall(r"(?<![.$\w])\w+", words)) & set(ONLY_PROMETHEUS)
            assert set(re.findall(r"\$\w+", words)) <= {"$labels", "$values"}
            named = set(re.findall(r"\$values\.(\w+)", words))
            assert named <= {step["refId"] for step in RULES[uid]["data"]}


def test_expected_values_are_queried_for_the_description():
    described = {
        uid
        for uid, rule in RULES.items()
        if "$values.expected" in rule["annotations"]["description"]
    }
    queried = {
        uid for uid, rule in RULES.items() if any(s["refId"] == "expected" for s in rule["data"])
    }
    assert described == queried
    assert {"iblai-engagement-drop", "iblai-engagement-silent"} <= described


def test_a_file_for_another_data_source_queries_that_one(tmp_path):
    path = tmp_path / "alerts.yml"
    build.main([f"--output={path}", "--format=grafana", "--datasource=mimir"])
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    sources = {
        step["datasourceUid"]
        for group in document["groups"]
        for rule in group["rules"]
        for step in rule["data"]
    }
    assert sources == {"mimir", "__expr__"}
