"""The choices at the top of a dashboard."""

from collections.abc import Mapping

from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from exporter import catalog
from grafana import promql, style

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")

_ALL = VariableOption(selected=True, text=["All"], value=["$__all"])
_OF_INTERVALS: Mapping[str, None] = {"auto": None, "auto_min": None, "auto_count": None}
"""What only a variable of intervals has; the SDK gives it to all."""

_VALUES_OF_LABEL = 1
_RESULT_OF_QUERY = 3
# Grafana prints quotes and line breaks in a name as they are: it ends where the labels end.
_NAMES_AND_IDS = r'/course_id="(?<value>[^"]+)",course_name="(?<text>[\s\S]+)"}/'


def datasource(*, hidden: bool = False) -> VariableModel:
    """Return the choice of a Prometheus, the default one until another is chosen."""
    return VariableModel(
        type_val=VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        hide=VariableHide.HIDE_VARIABLE if hidden else VariableHide.HIDE_LABEL,
        query="prometheus",
        current=VariableOption(selected=True, text="default", value="default"),
        **_OF_INTERVALS,
    )


def org(*, several: bool = True) -> VariableModel:
    """Return the choice of orgs: several and all, or one."""
    query = f"label_values({catalog.UP.name}, org)"
    # Only the exporter has these orgs, so the expression of all matches nothing else.
    return _query("org", "Org", query, several=several, all_value=".+")


def course() -> VariableModel:
    """Return the choice of a course of the org: names to read, ids as values."""
    names = f"max by (course_id, course_name) {promql.names(promql.ONE_ORG)}"
    variable = _query("course", "Course", f"query_result({names})", kind=_RESULT_OF_QUERY)
    variable.regex = _NAMES_AND_IDS
    return variable


def job() -> VariableModel:
    """Return the choice of scrape jobs."""
    return _query("job", "Job", f"label_values({catalog.BUILD_INFO.name}, job)", several=True)


def instance() -> VariableModel:
    """Return the choice of exporters of the chosen jobs."""
    query = f'label_values({catalog.BUILD_INFO.name}{{job=~"$job"}}, instance)'
    return _query("instance", "Instance", query, several=True)


def window() -> VariableModel:
    """Return the choice of a window that has expected ranges; it is part of metrics' names."""
    return _choice("window", "Window", {w: style.WINDOWS[w] for w in ("1d", "7d")}, chosen="7d")


def period() -> VariableModel:
    """Return the choice of a longer window; it is part of metrics' names."""
    return _choice("period", "Window", {w: style.WINDOWS[w] for w in ("7d", "28d")}, chosen="28d")


def figure() -> VariableModel:
    """Return the choice of a measure of engagement, by its name in the catalog."""
    texts = {measure.source.name: measure.title for measure in style.ENGAGEMENT}
    return _choice("figure", "Metric", texts, chosen=style.ACTIVE_USERS.source.name)


def _choice(name: str, label: str, texts: Mapping[str, str], *, chosen: str) -> VariableModel:
    return VariableModel(
        type_val=VariableType.CUSTOM,
        name=name,
        label=label,
        hide=VariableHide.HIDE_LABEL,
        query=", ".join(f"{text} : {value}" for value, text in texts.items()),
        options=[
            VariableOption(selected=value == chosen, text=text, value=value)
            for value, text in texts.items()
        ],
        current=VariableOption(selected=True, text=texts[chosen], value=chosen),
        **_OF_INTERVALS,
    )


def _query(
    name: str,
    label: str,
    query: str,
    *,
    kind: int = _VALUES_OF_LABEL,
    several: bool = False,
    all_value: str | None = None,
) -> VariableModel:
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=label,
        datasource=SOURCE,
        query={"query": query, "qryType": kind, "refId": "PrometheusVariableQueryEditor"},
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC,
        multi=several,
        include_all=several,
        all_value=all_value if several else None,
        current=_ALL if several else None,
        **_OF_INTERVALS,
    )
