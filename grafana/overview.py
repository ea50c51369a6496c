"""Engagement overview: how engagement is, where it dropped, and whether the data is complete."""

from grafana_foundation_sdk.models.dashboard import DashboardLink, Panel

from exporter import catalog
from grafana import drops, links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import COLORED_TEXT, Column, Look
from grafana.panels import grid
from grafana.style import Measure

WIDTHS = {
    style.ACTIVE_USERS: 78,
    style.ENROLLMENTS: 122,
    style.VIDEOS: 84,
    style.SESSIONS: 98,
    style.MESSAGES: 106,
    style.TIME: 78,
    style.COMPLETIONS: 112,
    style.CONVERSATIONS: 136,
}
"""Pixels of the columns, which fit their titles."""


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.OVERVIEW,
        description="Engagement of all orgs: how it is, where it dropped, how complete the data "
        f"is. {style.COMPLETE_DAYS}",
        variables=[variables.org(), variables.window()],
        rows=[
            *(
                Row(
                    title=f"{style.WINDOWS[window]} vs. expected",
                    lines=(
                        Line(
                            height=shared.WITH_SPARKLINE,
                            panels=tuple(
                                shared.headline(m, window, _chart_of(m, window))
                                for m in style.HEADLINES
                            ),
                        ),
                    ),
                )
                for window in drops.WINDOWS
            ),
            Row(
                title="Where engagement dropped, and data quality",
                lines=(
                    Line(height=8, panels=(shared.dropped(), shared.quality()), widths=(18, 6)),
                ),
            ),
            Row(title="Orgs, ${window:text}", lines=(Line(height=8, panels=(_orgs(),)),)),
            Row(
                title="Trends, ${window:text}",
                lines=(
                    Line(
                        height=8, panels=shared.vs_expected(style.ACTIVE_USERS, style.ENROLLMENTS)
                    ),
                    Line(height=8, panels=shared.vs_expected(style.VIDEOS, style.MESSAGES)),
                ),
            ),
        ],
    )


def _chart_of(measure: Measure, window: str) -> DashboardLink:
    return links.across(links.ORG, "org", figure=measure.source.name, window=window)


def _orgs() -> Panel:
    share = Look(unit=style.SHARE, decimals=0, thresholds=style.CHANGE)
    return grid(
        "Orgs",
        "Changes from the expected value, the org with the largest drop first. At most 200 orgs "
        "are listed.",
        Column(
            title="Org",
            label="org",
            look=Look(links=(links.down(links.ORG, "Open the org", "window", org="org"),)),
            at_least=95,
        ),
        *(
            Column(
                title=measure.short,
                expr=promql.change_of_orgs(measure),
                look=share,
                cell=COLORED_TEXT,
                width=WIDTHS[measure],
            )
            for measure in style.WATCHED
        ),
        Column(
            title="Failing",
            expr=f"sum by (org) ({promql.failing()})",
            look=Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD),
            cell=COLORED_TEXT,
            width=84,
        ),
        Column(
            title="Data age",
            expr=promql.age("org"),
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
            cell=COLORED_TEXT,
            width=96,
        ),
        Column(
            title="Worst",
            # An org without an expected value comes last.
            expr=f"{drops.worst_of_org()} or {promql.per_org(catalog.UP)} * 0 + 10",
            hidden=True,
        ),
        sort="Worst",
    )
