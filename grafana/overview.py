"""Engagement overview: every org at a glance, those that need attention first."""

from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import BAR, COLOURED_TEXT, Column, Look
from grafana.panels import grid

NO_FIGURES, TOO_SMALL, UNJUDGED = -1, 2, -1


def board() -> Board:
    """Return the dashboard."""
    to_org = links.across(links.ORG, "org", "window")
    return Board(
        uid=links.OVERVIEW,
        description="Engagement of all orgs: how it is, where it fell, and whether to trust it.",
        variables=[variables.org(), variables.window("1d", "7d", default="7d")],
        links=[
            to_org,
            links.across(links.LEARNING, "org", "window"),
            links.across(links.AGENTS, "org", "window"),
            links.across(links.COSTS, "org"),
            links.across(links.HEALTH, "org"),
            links.runbooks(),
        ],
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
            Row(title="Where to look", lines=(Line(height=11, panels=(_orgs(),)),)),
            Row(
                title="Trends, ${window:text}",
                lines=(
                    Line(
                        height=8, panels=shared.against_usual(style.ACTIVE_USERS, style.ENROLLMENTS)
                    ),
                    Line(height=8, panels=shared.against_usual(style.VIDEOS, style.MESSAGES)),
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
    share = Look(
        unit=style.SHARE,
        decimals=0,
        thresholds=style.OF_USUAL,
        mappings=tuple(style.labels({str(UNJUDGED): (style.ABSENT, style.USUAL)})),
        low=0,
        high=1.5,
    )
    verdicts = style.labels(
        {str(NO_FIGURES): ("no figures", style.WORST), str(TOO_SMALL): ("too small", style.USUAL)}
    )
    return grid(
        "Orgs, those that need attention first",
        "Orgs with firing alerts first, then by the lowest figure. Active is the number of active "
        "users. Bars are shares of the usual, "
        f"of figures with enough volume to be judged ({catalog.ALERT_MIN_BASELINE.name}). Lowest "
        "is the smallest of them, and In names its figure: too small, where there is none. "
        f"{style.SHARE_COLOURS} {style.THE_USUAL} Oldest is the age of the oldest figures. The "
        "first 200 orgs are listed; choose orgs above to see others.",
        Column(
            title="Org",
            label="org",
            look=Look(links=(links.down(links.ORG, "Open the org", "window", org="org"),)),
            at_least=90,
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
            width=75,
        ),
        Column(title="In", label="figure", width=110),
        Column(
            title="Alerts",
            expr=f"{promql.firing('org')} or {promql.per_org(catalog.UP)} * 0",
            look=Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD),
            cell=COLOURED_TEXT,
            width=70,
        ),
        Column(
            title="Active",
            expr=promql.per_org(promql.over(catalog.ACTIVE_USERS)),
            look=Look(unit=style.COUNT, decimals=0),
            width=65,
        ),
        *(
            Column(
                title=figure.short,
                # A column of which no org has anything would not be there.
                expr=f"{promql.judged(figure)} or {promql.per_org(catalog.UP)} * 0 + {UNJUDGED}",
                look=share,
                cell=BAR,
                at_least=75,
            )
            for figure in style.WATCHED
        ),
        Column(
            title="Oldest",
            expr=promql.age("org"),
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
            cell=COLOURED_TEXT,
            width=70,
        ),
        sort="Alerts",
        descending=True,
        then="Lowest",
    )
