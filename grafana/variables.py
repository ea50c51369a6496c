"""The choices at the top of a dashboard."""

from collections.abc import Mapping

from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
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


def datasource() -> VariableModel:
    """Return the choice of the Prometheus to read from."""
    return VariableModel(
        type_val=VariableType.DATASOURCE,
        name="datasource",
        label="Data Source",
        query="prometheus",
        **_OF_INTERVALS,
    )


def org(*, several: bool = True) -> VariableModel:
    """Return the choice of orgs: several and all, or one."""
    return _query("org", "Org", f"label_values({catalog.UP.name}, org)", several=several)


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


def window(*windows: str, default: str) -> VariableModel:
    """Return the choice of a window, which becomes part of metrics' names."""
    texts = style.WINDOWS
    return VariableModel(
        type_val=VariableType.CUSTOM,
        name="window",
        label="Window",
        description=style.COMPLETE_DAYS,
        query=", ".join(f"{texts[window]} : {window}" for window in windows),
        options=[
            VariableOption(selected=window == default, text=texts[window], value=window)
            for window in windows
        ],
        current=VariableOption(selected=True, text=texts[default], value=default),
        **_OF_INTERVALS,
    )


def _query(
    name: str, label: str, query: str, *, kind: int = _VALUES_OF_LABEL, several: bool = False
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
        all_value=".+" if several else None,
        current=_ALL if several else None,
        **_OF_INTERVALS,
    )
