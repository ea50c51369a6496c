"""Ways from one dashboard to the next."""

from grafana_foundation_sdk.models.dashboard import DashboardLink, DashboardLinkType

OVERVIEW, ORG, COURSE, HEALTH = "iblai-overview", "iblai-org", "iblai-course", "iblai-health"
LEARNING, AGENTS, COSTS, MODELS = "iblai-learning", "iblai-agents", "iblai-costs", "iblai-models"
TITLES = {
    OVERVIEW: "ibl.ai / Engagement overview",
    ORG: "ibl.ai / Org",
    COURSE: "ibl.ai / Course",
    HEALTH: "ibl.ai / Exporter health",
    LEARNING: "ibl.ai / Learning",
    AGENTS: "ibl.ai / Agents",
    COSTS: "ibl.ai / Costs",
    MODELS: "ibl.ai / Models and usage",
}
TAG = "iblai-exporter"
"""The tag of all dashboards."""

LISTED = "ibl.ai"
"""The tag of dashboards in the drop-down: all but those of a single thing."""


RUNBOOK_URL = "https://runbooks.example/iblai-exporter"
"""Stands for where an operator publishes docs/runbooks.md."""


def drop_down() -> DashboardLink:
    """Return the drop-down of dashboards; it takes variables and the time range along."""
    return DashboardLink(
        title="Dashboards",
        type_val=DashboardLinkType.DASHBOARDS,
        icon="external link",
        tags=[LISTED],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )


def across(uid: str, *variables: str, **values: str) -> DashboardLink:
    """Return the link of a panel to a dashboard that takes `variables` and the time range along.

    Other variables get `values`.
    """
    kept = (f"${{{name}:queryparam}}" for name in variables)
    given = (f"var-{name}={value}" for name, value in values.items())
    return DashboardLink(
        title=f"Open {TITLES[uid].partition(' / ')[2]}",
        url=_path(uid, *kept, *given, "${__url_time_range}"),
    )


def down(uid: str, title: str, *variables: str, **fields: str) -> DashboardLink:
    """Return the link of a table's cell: `fields` names the row's field for each variable.

    A course's id holds plus signs, so the values are percent-encoded.
    """
    chosen = (
        f"var-{name}=${{__data.fields.{field}:percentencode}}" for name, field in fields.items()
    )
    kept = (f"${{{name}:queryparam}}" for name in variables)
    return DashboardLink(title=title, url=_path(uid, *kept, *chosen, "${__url_time_range}"))


def runbooks() -> DashboardLink:
    """Return the link of an alert to the runbooks.

    Their anchors are in lowercase, which neither PromQL nor a link can make of an alert's name.
    """
    return DashboardLink(title="Open the runbooks", url=RUNBOOK_URL, target_blank=True)


def _path(uid: str, *parameters: str) -> str:
    return f"/d/{uid}?" + "&".join(("${datasource:queryparam}", *parameters))
