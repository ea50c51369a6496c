"""Write the rule files, their unit tests and the table of alerts.

Run as `python -m deploy.prometheus.build`. Everything it writes is committed. Addresses of your
own, and rhythms slower than the exporter's defaults, are options: see `--help`.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.prometheus import (
    cases,
    cost_cases,
    costs,
    drop_cases,
    drops,
    operation_cases,
    operations,
)
from deploy.prometheus.rules import Alert, Group, Recording, duration

RUNBOOKS = "https://github.com/iblai/iblai-exporter/blob/main/docs/runbooks.md"
GRAFANA = "http://localhost:3000"

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TABLE = ROOT / "docs" / "alerts.md"

_HEADER = (
    "# Written by `python -m deploy.prometheus.build` from deploy/prometheus/*.py; do not edit.\n"
)
_EVERY = 60
_BEGIN, _END = "<!-- alerts: begin -->", "<!-- alerts: end -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator may set. `pace` shortens every wait, for rehearsals."""

    runbooks: str = RUNBOOKS
    grafana: str = GRAFANA
    interval: int = operations.TODAY_INTERVAL
    history_interval: int = operations.HISTORY_INTERVAL
    keep_firing: bool = True
    pace: float = 1.0


DEFAULTS = Options()


def groups(options: Options = DEFAULTS) -> tuple[Group, ...]:
    """Return all groups, in the order in which they stand in the files."""
    return (
        drops.group(),
        costs.group(),
        operations.group(interval=options.interval, history_interval=options.history_interval),
    )


def alerts(options: Options = DEFAULTS) -> tuple[Alert, ...]:
    """Return all alerts; one that has several windows comes once for each."""
    return tuple(alert for group in groups(options) for alert in group.alerts)


def rules_file(options: Options = DEFAULTS) -> str:
    """Return a rule file of Prometheus."""
    return _HEADER + _yaml({"groups": [as_mapping(group, options) for group in groups(options)]})


def prometheus_rule(options: Options = DEFAULTS) -> str:
    """Return the custom resource of the prometheus-operator."""
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {
            "name": "iblai-exporter",
            "labels": {"app.kubernetes.io/name": "iblai-exporter"},
        },
        "spec": {"groups": [as_mapping(group, options) for group in groups(options)]},
    }
    return _HEADER + _yaml(resource)


def table() -> str:
    """Return the table of alerts as Markdown."""
    rows = (
        f"| [`{alert.name}`](runbooks.md#{alert.name.lower()}) | {alert.severity} | "
        f"{alert.tells} | {duration(alert.wait)} |"
        for alert in {alert.name: alert for alert in alerts()}.values()
    )
    return "\n".join(("| alert | severity | told when | after |", "|---|---|---|---|", *rows))


def files() -> Mapping[Path, str]:
    """Return everything that is committed, by its place."""
    document = TABLE.read_text(encoding="utf-8")
    before, _, rest = document.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return {
        HERE / "iblai-rules.yml": rules_file(),
        HERE / "iblai-rules-compat.yml": rules_file(Options(keep_firing=False)),
        HERE / "prometheusrule.yaml": prometheus_rule(),
        TABLE: f"{before}{_BEGIN}\n{table()}\n{_END}{after}",
        **{HERE / "tests" / f"{name}.yml": _HEADER + _yaml(test) for name, test in tests().items()},
    }


def tests() -> Mapping[str, Mapping[str, Any]]:
    """Return the unit tests by the name of their file."""
    return {
        "figures": cases.file(drop_cases.of_each_figure()),
        "chance": cases.file(drop_cases.of_chance()),
        "calendar": cases.file(drop_cases.over_days(), every=60),
        "weeks": cases.file(drop_cases.over_weeks(), every=240),
        "gaps": cases.file(drop_cases.of_gaps()),
        "keep-firing": cases.file(drop_cases.of_keeping()),
        "costs": cases.file(cost_cases.of_costs()),
        "exporter": cases.file(operation_cases.of_the_exporter()),
        "orgs": cases.file(operation_cases.of_orgs()),
        "shards": cases.file(operation_cases.of_shards()),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the committed files, or a rule file of one's own with other options."""
    parser = argparse.ArgumentParser(prog="python -m deploy.prometheus.build", description=__doc__)
    parser.add_argument("--output", type=Path, help="write only a rule file, here")
    parser.add_argument(
        "--operator", action="store_true", help="write it as the prometheus-operator's resource"
    )
    parser.add_argument("--runbooks", default=RUNBOOKS, help="address of docs/runbooks.md")
    parser.add_argument("--grafana", default=GRAFANA, help="address of Grafana")
    parser.add_argument("--interval", type=int, default=DEFAULTS.interval, help="seconds")
    parser.add_argument(
        "--history-interval", type=int, default=DEFAULTS.history_interval, help="seconds"
    )
    parser.add_argument(
        "--no-keep-firing", dest="keep_firing", action="store_false", help="Prometheus < 2.42"
    )
    parser.add_argument("--pace", type=float, default=1.0, help="multiplies every wait")
    given = vars(parser.parse_args(arguments))
    output: Path | None = given.pop("output")
    write = prometheus_rule if given.pop("operator") else rules_file
    if output is not None:
        output.write_text(write(Options(**given)), encoding="utf-8")
        return
    for path, text in files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def as_mapping(group: Group, options: Options = DEFAULTS) -> dict[str, Any]:
    """Return a group as YAML has it."""
    return {
        "name": group.name,
        "interval": duration(max(_EVERY * options.pace, 1)),
        "rules": [_rule(rule, options) for rule in group.rules],
    }


def _rule(rule: Recording | Alert, options: Options) -> dict[str, Any]:
    if isinstance(rule, Recording):
        return dict(_present(record=rule.record, expr=rule.expr, labels=dict(rule.labels)))
    keep = rule.keep * options.keep_firing * options.pace
    return dict(
        _present(
            alert=rule.name,
            expr=rule.expr,
            **{"for": duration(rule.wait * options.pace)},
            keep_firing_for=duration(keep) if keep else "",
            labels={"severity": str(rule.severity), **rule.labels},
            annotations={
                "summary": rule.summary,
                "description": rule.description,
                "runbook_url": f"{options.runbooks}#{rule.name.lower()}",
                "dashboard_url": f"{options.grafana}/d/{rule.dashboard}",
            },
        )
    )


def _present(**entries: Any) -> Iterator[tuple[str, Any]]:
    """Yield the entries that say something."""
    return ((key, value) for key, value in entries.items() if value)


class _Dumper(yaml.SafeDumper):
    """Writes expressions of several lines as they are read."""


def _write_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _write_text)


def _yaml(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)


if __name__ == "__main__":
    main()
