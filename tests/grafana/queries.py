"""Queries of a dashboard, as Grafana's Prometheus data source would send them."""

import re

from exporter.catalog import METRICS
from grafana import lint

_METRIC = re.compile(r"\b(?:iblai|process|python|scrape)_\w+|\bALERTS\w*|\bup\b")
_BY_NAME = re.compile(r'__name__=~?"([^"]+)"')
_CALL = re.compile(r"(label_values|query_result)\((.*?)(?:, (\w+))?\)$")
_CHOICES = ("window", "period", "figure")
"""Variables whose values become part of metrics' names."""


def escaped(values, *, several):
    """Return the text that takes a variable's place, a regular expression if it may be several."""
    if not several:
        return values[0].replace("\\", "\\\\").replace("'", "\\\\'")
    parts = [
        re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", v.replace("\\", "\\\\\\\\")) for v in values
    ]
    return parts[0] if len(parts) == 1 else f"({'|'.join(parts)})"


def substituted(text, chosen):
    """Return `text` with every variable replaced by its text in `chosen`."""
    return re.sub(r"\$\{(\w+)\}|\$([a-z_]\w*)", lambda m: chosen[m[1] or m[2]], text)


def choices(dashboard):
    """Yield what the variables in metrics' names can be: each value of each, once."""
    offered = {
        variable["name"]: [option["value"] for option in variable["options"]]
        for variable in lint.variables(dashboard)
        if variable["name"] in _CHOICES
    }
    for place in range(max((len(values) for values in offered.values()), default=1)):
        yield {name: values[min(place, len(values) - 1)] for name, values in offered.items()}


def variable_queries(dashboard):
    """Yield name, function, selector and label of the variables that ask Prometheus."""
    for variable in lint.variables(dashboard):
        if variable["type"] == "query":
            function, expression, label = _CALL.fullmatch(variable["query"]["query"]).groups()
            yield variable["name"], function, expression, label


def expressions(dashboard, chosen):
    """Yield title and PromQL of all that a dashboard asks, for every choice that it offers."""
    for choice in choices(dashboard):
        now = {**chosen, **choice}
        for title, target in lint.targets(dashboard):
            yield title, substituted(target["expr"], now)
        for annotation in dashboard["annotations"]["list"]:
            yield annotation["name"], substituted(annotation["expr"], now)
        for name, _, expression, _ in variable_queries(dashboard):
            yield name, substituted(expression, now)


def metrics(expression):
    """Return the metrics that an expression selects, by their names or by `__name__`."""
    by_name = {
        metric.name
        for pattern in _BY_NAME.findall(expression)
        for metric in METRICS
        if re.fullmatch(pattern, metric.name)
    }
    return by_name | set(_METRIC.findall(re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)))


def selections(expression):
    """Yield each metric that an expression selects, with what stands directly before it."""
    for found in _METRIC.finditer(expression):
        if expression[found.end() :].startswith("{"):
            yield found[0], expression[: found.start()]


def links(node):
    """Yield every link in a dashboard, wherever it hides."""
    if isinstance(node, dict):
        if isinstance(node.get("url"), str):
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from links(child)


def set_by(url):
    """Return the variables that a link to a dashboard sets, with the text that sets each."""
    pairs = re.findall(r"var-(\w+)=([^&]*)|\$\{(?!__)(\w+):queryparam\}", url)
    return {name or kept: text or f"${kept}" for name, text, kept in pairs}


def colors(dashboard):
    """Yield legend and fixed color of each query that has one."""
    for panel in lint.panels(dashboard):
        legends = {target["refId"]: target.get("legendFormat") for target in panel["targets"]}
        for override in panel["fieldConfig"]["overrides"]:
            for entry in override["properties"]:
                if entry["id"] == "color" and entry["value"]["mode"] == "fixed":
                    legend = legends.get(override["matcher"]["options"])
                    if legend:
                        yield legend, entry["value"]["fixedColor"]
