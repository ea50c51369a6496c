"""Ways from one dashboard to the next, and to the runbooks."""

from grafana_foundation_sdk.models.dashboard import DashboardLink

OVERVIEW, ORG, COURSE, HEALTH = "iblai-overview", "iblai-org", "iblai-course", "iblai-health"
LEARNING, AGENTS, COSTS = "iblai-learning", "iblai-agents", "iblai-costs"
TITLES = {
    OVERVIEW: "ibl.ai / Engagement overview",
    ORG: "ibl.ai / Org",
    COURSE: "ibl.ai / Course",
    HEALTH: "ibl.ai / Exporter health",
    LEARNING: "ibl.ai / Learning",
    AGENTS: "ibl.ai / Agents",
    COSTS: "ibl.ai / Costs",
}
RUNBOOK_URL = "https://runbooks.example/iblai-exporter"
"""Stands for where an operator publishes docs/runbooks.md."""


def across(uid: str, *variables: str) -> DashboardLink:
    """Return the link to a dashboard that takes `variables` and the time range along."""
    return DashboardLink(
        title=TITLES[uid].partition(" / ")[2],
        icon="dashboard",
        tooltip=f"Open {TITLES[uid]}",
        url=_path(uid, *(f"${{{name}:queryparam}}" for name in variables)),
        keep_time=True,
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
    """Return the link to what each alert means, and what to do."""
    return DashboardLink(
        title="Runbooks",
        icon="doc",
        tooltip="What each alert means, and what to do",
        url=RUNBOOK_URL,
        target_blank=True,
    )


def runbook_of(field: str) -> DashboardLink:
    """Return the link from an alert's cell to its runbook."""
    return DashboardLink(
        title="Runbook", url=f"{RUNBOOK_URL}#${{__data.fields.{field}}}", target_blank=True
    )


def _path(uid: str, *parameters: str) -> str:
    return f"/d/{uid}?" + "&".join(("${datasource:queryparam}", *parameters))
