"""Engagement overview: every org at a glance, those that need attention first."""

from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import BAR, COLOURED_TEXT, Column, Look
from grafana.panels import grid

NO_FIGURES, TOO_SMALL = -1, 2
SHORT = {
    style.ACTIVE_USERS: "Users",
    style.ENROLLMENTS: "Enrolments",
    style.VIDEOS: "Videos",
    style.SESSIONS: "Sessions",
    style.MESSAGES: "Messages",
}


def board() -> Board:
    """Return the dashboard."""
    to_org = links.across(links.ORG, "org", "window")
    return Board(
        uid=links.OVERVIEW,
        description="Engagement of all orgs: how it is, where it fell, and whether to trust it.",
        since="now-28d",
        variables=[variables.org(), variables.window("1d", "7d", default="7d")],
        links=[to_org, links.across(links.HEALTH, "org"), links.runbooks()],
        rows=[
            Row(
                title="Engagement, ${window:text}",
                lines=(
                    Line(
                        height=4,
                        panels=tuple(shared.headline(f, to_org) for f in style.HEADLINES),
                    ),
                ),
            ),
            Row(
                title="Can the figures be trusted?",
                lines=(Line(height=3, panels=shared.trust(), widths=(4, 5, 5, 5, 5)),),
            ),
            Row(title="Where to look", lines=(Line(height=15, panels=(_orgs(),)),)),
            Row(
                title="Trends",
                lines=(
                    Line(
                        height=9, panels=shared.against_usual(style.ACTIVE_USERS, style.ENROLLMENTS)
                    ),
                    Line(height=9, panels=shared.against_usual(style.VIDEOS, style.MESSAGES)),
                ),
            ),
            Row(
                title="Alerts and freshness",
                lines=(
                    Line(height=10, panels=(shared.firing_alerts(), shared.age_by_collector())),
                ),
            ),
        ],
    )


def _orgs() -> Panel:
    share = Look(unit=style.SHARE, decimals=0, thresholds=style.OF_USUAL, low=0, high=1.5)
    verdicts = style.labels(
        {str(NO_FIGURES): ("no figures", style.WORST), str(TOO_SMALL): ("too small", style.USUAL)}
    )
    columns = [
        Column(
            title="Org",
            label="org",
            look=Look(links=(links.down(links.ORG, "Open the org", "window", org="org"),)),
        ),
        Column(
            title="Lowest",
            expr=promql.worst_of_usual(no_figures=NO_FIGURES, too_small=TOO_SMALL),
            look=Look(
                unit=style.SHARE,
                decimals=0,
                thresholds=style.OF_USUAL,
                mappings=tuple(verdicts),
            ),
            cell=COLOURED_TEXT,
            width=100,
        ),
        Column(
            title="Alerts",
            expr=f"{promql.firing('org')} or {promql.per_org(catalog.UP)} * 0",
            look=Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD),
            cell=COLOURED_TEXT,
            width=70,
        ),
    ]
    for figure, short in SHORT.items():
        now = Column(
            title=short,
            expr=promql.per_org(promql.over(figure.source)),
            look=Look(unit=figure.unit, decimals=figure.decimals),
            width=100,
        )
        bar = Column(
            title=f"{short} vs usual",
            expr=promql.of_usual(figure),
            look=share,
            cell=BAR,
            width=165,
        )
        columns += [now, bar]
    columns.append(
        Column(
            title="Oldest",
            expr=promql.age("org"),
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
            cell=COLOURED_TEXT,
            width=90,
        )
    )
    return grid(
        "Orgs, those that need attention first",
        "Lowest is the smallest share of its usual that any figure of the org reads, among figures "
        f"with enough volume ({catalog.ALERT_MIN_BASELINE.name}): too small, where there is none. "
        f"{style.SHARE_COLOURS} {style.THE_USUAL} The first 200 orgs are listed; choose orgs above "
        "to see others.",
        *columns,
        sort="Lowest",
    )
