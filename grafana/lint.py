"""The rules of Grafana's dashboard-linter, over the built JSON, and the exceptions from them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grafana import links

Json = Mapping[str, Any]
Rule = Callable[[Json], Iterator[str]]

_VALUES = (
    "values belong to an org, whichever exporter serves them: queries reduce jobs and instances to "
    "one series, and a choice of job or instance would only hide values"
)
_SAME_ORG_ANYWHERE = ("template-job", "template-instance", "target-job", "target-instance")
_OWN_TARGETS = (
    "an expression of all that matches everything would show other targets than the exporter's"
)

EXCEPTIONS: Mapping[tuple[str, str], str] = {
    (uid, rule): _VALUES
    for uid in links.TITLES.keys() - {links.HEALTH}
    for rule in _SAME_ORG_ANYWHERE
} | {
    (links.HEALTH, "template-job"): _OWN_TARGETS,
    (links.HEALTH, "template-instance"): _OWN_TARGETS,
    (links.HEALTH, "target-job"): "firing alerts carry the org, not always the job of an exporter",
    (links.HEALTH, "target-instance"): "firing alerts carry the org, not always the instance",
}
"""Why a rule does not hold on a dashboard."""

_COUNTER = re.compile(r"\b\w+_total\b")
_RATES = re.compile(
    r"\b(rate|irate|increase)\(\w+_(total|bucket)\{[^{}]*\}\[([^\]]+)\]( offset -\$__interval)?\)"
)
FIXED_RANGES = {"1h"}
"""Ranges of numbers over "the last hour", which are not drawn over time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """One departure from a rule."""

    uid: str
    rule: str
    text: str


def departures(dashboard: Json) -> Iterator[Departure]:
    """Yield every departure of a dashboard from the rules, exceptions included."""
    for rule, check in RULES.items():
        for text in check(dashboard):
            yield Departure(uid=dashboard["uid"], rule=rule, text=text)


def panels(dashboard: Json) -> Iterator[Json]:
    """Yield the panels of a dashboard that are not headings, those of collapsed rows too."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def targets(dashboard: Json) -> Iterator[tuple[str, Json]]:
    """Yield each query with the title of its panel."""
    for panel in panels(dashboard):
        for target in panel.get("targets", ()):
            yield panel["title"], target


def variables(dashboard: Json) -> Iterator[Json]:
    """Yield the variables of a dashboard."""
    yield from dashboard["templating"]["list"]


def _template_datasource(dashboard: Json) -> Iterator[str]:
    found = [v for v in variables(dashboard) if v["type"] == "datasource"]
    if [(v["name"], v.get("label")) for v in found] != [("datasource", "Data source")]:
        yield "wants one data source variable named datasource, labeled Data source"


def _template(name: str) -> Rule:
    def check(dashboard: Json) -> Iterator[str]:
        found = [v for v in variables(dashboard) if v["name"] == name]
        if len(found) != 1:
            yield f"has no variable {name}"
            return
        variable = found[0]
        wanted = {"type": "query", "label": name.capitalize(), "multi": True, "allValue": ".+"}
        for key, value in wanted.items():
            if variable.get(key) != value:
                yield f"variable {name} wants {key} {value!r}"
        if variable["datasource"]["uid"] != "${datasource}":
            yield f"variable {name} wants the data source of the variable"

    return check


def _template_reload(dashboard: Json) -> Iterator[str]:
    for variable in variables(dashboard):
        if variable["type"] == "query" and variable.get("refresh") != 2:  # noqa: PLR2004 - Grafana's code for "on time range change"
            yield f"variable {variable['name']} is not refreshed when the time range changes"


def _panel_datasource(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        if panel["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
            yield f"panel {panel['title']} names a data source of its own"


def _panel_title_description(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        if not panel.get("title") or not panel.get("description"):
            yield f"panel {panel['id']} lacks a title or a description"


def _panel_units(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        if not panel["fieldConfig"]["defaults"].get("unit"):
            yield f"panel {panel['title']} has no unit"


def _panel_no_targets(dashboard: Json) -> Iterator[str]:
    for panel in panels(dashboard):
        if not panel.get("targets"):
            yield f"panel {panel['title']} has no query"


def _target_rate_interval(dashboard: Json) -> Iterator[str]:
    for title, target in targets(dashboard):
        for *_, interval, _ in _RATES.findall(target["expr"]):
            fixed = target["instant"] and interval in FIXED_RANGES
            if interval != "$__rate_interval" and not fixed:
                yield f"panel {title} takes a rate over {interval}"


def _target_counter_agg(dashboard: Json) -> Iterator[str]:
    for title, target in targets(dashboard):
        bare = _RATES.sub("", target["expr"])
        for name in _COUNTER.findall(bare):
            yield f"panel {title} shows the counter {name} itself"


def _target_selector(name: str) -> Rule:
    def check(dashboard: Json) -> Iterator[str]:
        for title, target in targets(dashboard):
            for selector in re.findall(r"\{([^{}]*)\}", re.sub(r"\$\{\w+\}", "", target["expr"])):
                if f'{name}=~"${name}"' not in selector:
                    yield f"panel {title} has a selector without {name}"

    return check


def _uneditable(dashboard: Json) -> Iterator[str]:
    if dashboard["editable"] is not False:
        yield "is editable"


RULES: Mapping[str, Rule] = {
    "template-datasource": _template_datasource,
    "template-job": _template("job"),
    "template-instance": _template("instance"),
    "template-on-time-change-reload": _template_reload,
    "panel-datasource": _panel_datasource,
    "panel-title-description": _panel_title_description,
    "panel-units": _panel_units,
    "panel-no-targets": _panel_no_targets,
    "target-rate-interval": _target_rate_interval,
    "target-counter-agg": _target_counter_agg,
    "target-job": _target_selector("job"),
    "target-instance": _target_selector("instance"),
    "uneditable-dashboard": _uneditable,
}
"""Rules by the linter's names. Those on PromQL are checked by Prometheus, those on Loki moot."""
