"""The same alerts for Grafana's own alerting, as a file for its provisioning.

Grafana-managed alerts do not use the recording rules of a Prometheus, so expressions are inlined.
An expression of Prometheus alerts on every series that it returns, whatever the value; the three
steps of a rule are those that Grafana itself makes of imported Prometheus rules. A series that is
missing ends an alert only after so many evaluations: that is `keep_firing_for`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from deploy.prometheus.rules import DAY, NUMBER, Alert, Group, duration

FOLDER = "iblai-exporter"
EVERY = 60
"""Seconds between two evaluations."""

QUERY, FOUND, CONDITION, EXPECTED = "query", "prometheus_math", "threshold", "expected"
_EXPRESSION = "__expr__"


def rules_file(
    groups: Iterable[Group], *, datasource: str, annotations: Mapping[str, str]
) -> dict[str, Any]:
    """Return the content of the file.

    `datasource` is the uid of the Prometheus data source. `annotations` holds the addresses of
    `runbook_url` and `dashboard_url`, to which an alert adds its own part.
    """
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": group.name,
                "folder": FOLDER,
                "interval": duration(EVERY),
                "rules": [_rule(alert, datasource, annotations) for alert in group.alerts],
            }
            for group in groups
        ],
    }


def _rule(alert: Alert, datasource: str, addresses: Mapping[str, str]) -> dict[str, Any]:
    return {
        "uid": uid(alert),
        "title": " ".join((alert.name, *alert.labels.values())),
        "condition": CONDITION,
        "data": _steps(alert, datasource),
        "noDataState": "OK",
        "execErrState": "KeepLast",
        "for": duration(alert.wait),
        "missing_series_evals_to_resolve": max(alert.keep // EVERY, 1),
        "annotations": {
            "summary": alert.summary,
            "description": description(alert),
            "runbook_url": f"{addresses['runbook_url']}#{alert.name.lower()}",
            "dashboard_url": f"{addresses['dashboard_url']}/d/{alert.dashboard}",
        },
        "labels": {"severity": str(alert.severity), **alert.labels},
        "isPaused": False,
    }


def uid(alert: Alert) -> str:
    """Return the uid of a rule: at most 40 characters."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", alert.name).lower()
    return "-".join((words, *alert.labels.values()))


def description(alert: Alert) -> str:
    """Return the description in Grafana's terms: values by step."""
    text = alert.description.replace("$value", f"$values.{QUERY}.Value")
    if alert.expected is None:
        return text
    number = alert.expected.number.replace(NUMBER, f"$values.{EXPECTED}.Value")
    return f"{text}{{{{ if $values.{EXPECTED}.Labels }}}} Expected: {number}.{{{{ end }}}}"


def _steps(alert: Alert, datasource: str) -> list[dict[str, Any]]:
    expected = [] if alert.expected is None else [_query(EXPECTED, alert.expected.expr, datasource)]
    number = f"is_number(${QUERY}) || is_nan(${QUERY}) || is_inf(${QUERY})"
    return [
        _query(QUERY, alert.inline or alert.expr, datasource),
        *expected,
        _step(FOUND, "math", expression=number),
        _step(
            CONDITION,
            "threshold",
            expression=FOUND,
            conditions=[{"evaluator": {"type": "gt", "params": [0]}}],
        ),
    ]


def _query(name: str, expr: str, datasource: str) -> dict[str, Any]:
    return {
        "refId": name,
        "relativeTimeRange": {"from": DAY, "to": 0},
        "datasourceUid": datasource,
        "model": {
            "refId": name,
            "datasource": {"type": "prometheus", "uid": datasource},
            "expr": expr,
            "instant": True,
            "range": False,
        },
    }


def _step(name: str, kind: str, **model: Any) -> dict[str, Any]:
    return {
        "refId": name,
        "queryType": kind,
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": _EXPRESSION,
        "model": {
            "refId": name,
            "type": kind,
            "datasource": {"type": _EXPRESSION, "uid": _EXPRESSION},
            **model,
        },
    }
