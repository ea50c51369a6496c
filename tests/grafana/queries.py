"""Queries of a dashboard, as Grafana's Prometheus data source would send them."""

import re

from grafana import lint

_METRIC = re.compile(r"\b(?:iblai|process|python|scrape)_\w+|\bALERTS\w*|\bup\b")
_CALL = re.compile(r"(label_values|query_result)\((.*?)(?:, (\w+))?\)$")


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


def windows(dashboard):
    """Return what the variable `window` can be; one empty text where there is none."""
    for variable in lint.variables(dashboard):
        if variable["name"] == "window":
            return [option["value"] for option in variable["options"]]
    return [""]


def variable_queries(dashboard):
    """Yield name, function, selector and label of the variables that ask Prometheus."""
    for variable in lint.variables(dashboard):
        if variable["type"] == "query":
            function, expression, label = _CALL.fullmatch(variable["query"]["query"]).groups()
            yield variable["name"], function, expression, label


def expressions(dashboard, chosen):
    """Yield title and PromQL of all that a dashboard asks, for every window that it offers."""
    for window in windows(dashboard):
        now = {**chosen, "window": window}
        for title, target in lint.targets(dashboard):
            yield title, substituted(target["expr"], now)
        for annotation in dashboard["annotations"]["list"]:
            yield annotation["name"], substituted(annotation["expr"], now)
        for name, _, expression, _ in variable_queries(dashboard):
            yield name, substituted(expression, now)


def metrics(expression):
    """Return the names of metrics that an expression selects."""
    return set(_METRIC.findall(re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)))


def selections(expression):
    """Yield each metric that an expression selects, with what stands directly before it."""
    for found in _METRIC.finditer(expression):
        if expression[found.end() :].startswith("{"):
            yield found[0], expression[: found.start()]


def urls(node):
    """Yield every link in a dashboard, wherever it hides."""
    if isinstance(node, dict):
        if isinstance(url := node.get("url"), str):
            yield url
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from urls(child)


def set_by(url):
    """Return the variables that a link to a dashboard sets."""
    pairs = re.findall(r"var-(\w+)=|\$\{(?!__)(\w+):queryparam\}", url)
    return {name or kept for name, kept in pairs}


def colours(dashboard):
    """Yield legend and fixed colour of each query that has one."""
    for panel in lint.panels(dashboard):
        legends = {target["refId"]: target.get("legendFormat") for target in panel["targets"]}
        for override in panel["fieldConfig"]["overrides"]:
            for entry in override["properties"]:
                if entry["id"] == "color" and entry["value"]["mode"] == "fixed":
                    legend = legends.get(override["matcher"]["options"])
                    if legend:
                        yield legend, entry["value"]["fixedColor"]
