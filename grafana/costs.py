"""Costs: what agents cost, where it goes, and where it is going."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Windowed
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import Column, Curve, Look, Part
from grafana.panels import POLLS, bars, grid, numbers, trend
from grafana.style import COST

FEW = 10
DAYS = 28
FINAL = "Prices are final, markup included."
MORE = style.steps(style.PLAIN, (1.5, style.WATCH), (2, style.BAD))


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.COSTS,
        description="What agents cost: by org, model, provider and agent, and by active user.",
        variables=[variables.org(), variables.window("7d", "28d", default="28d")],
        links=[
            links.across(links.OVERVIEW),
            links.across(links.ORG, "org"),
            links.across(links.AGENTS, "org"),
            links.across(links.HEALTH, "org"),
            links.runbooks(),
        ],
        rows=[
            Row(title="What agents cost", lines=(Line(height=3, panels=_spent()),)),
            Row(
                title="Over time",
                lines=(Line(height=9, panels=(_against_usual(), _per_user_over_time())),),
            ),
            Row(
                title="Where it goes, ${window:text}",
                lines=(
                    Line(
                        height=7,
                        panels=(
                            _parts("By provider", catalog.PROVIDER_COST),
                            _parts("By model", catalog.MODEL_COST),
                            _parts("By agent", catalog.AGENT_COST),
                        ),
                    ),
                    Line(height=10, panels=(_models_over_time(), _orgs())),
                ),
            ),
        ],
    )


def _cost(window: str = promql.WINDOW) -> str:
    return promql.over(catalog.COST, window)


def _each(of: Windowed) -> str:
    """Return the cost for each of what is counted, over the orgs that have both."""
    cost, count = _cost(), promql.over(of)
    return f"{promql.total(cost, given=count)} / ({promql.total(count, given=cost)} > 0)"


def _spent() -> tuple[Panel, ...]:
    look = shared.look(COST)
    forecast = f"{promql.total(_cost(f'{DAYS}d'))} / {DAYS} * on () days_in_month()"
    return (
        *(
            numbers(
                f"Cost, {title.lower()}",
                f"{COST.meaning} {FINAL} {style.COMPLETE_DAYS}",
                Part(expr=promql.total(_cost(window)), name=COST.title),
                look=look,
            )
            for window, title in style.WINDOWS.items()
        ),
        numbers(
            "Forecast for the month",
            f"What the current month costs if every day of it costs as much as the mean of the "
            f"last {DAYS} complete days.",
            Part(expr=forecast, name="forecast"),
            look=look,
        ),
        numbers(
            "Per active user",
            "Cost in the chosen window for each unique user who was active in it, of orgs that "
            "have both.",
            Part(expr=_each(catalog.ACTIVE_USERS), name="per user"),
            look=Look(unit=COST.unit, decimals=3, colour=COST.colour),
        ),
    )


def _against_usual() -> Panel:
    return trend(
        "Cost of a day against the usual",
        f"{COST.meaning} {style.COMPLETE_DAYS} {style.THE_USUAL} An alert tells of a day that "
        "costs far more.",
        Curve(
            expr=promql.total(_cost("1d")), name=COST.title, look=Look(colour=COST.colour), fill=10
        ),
        Curve(
            expr=promql.total(promql.usual(catalog.COST, "1d")),
            name="usual",
            look=Look(colour=style.USUAL),
            dashed=True,
        ),
        look=Look(unit=style.MONEY, decimals=2),
        step=POLLS,
    )


def _per_user_over_time() -> Panel:
    return trend(
        "Cost per active user and per conversation",
        "Cost in the chosen window for each unique user who was active in it and (right axis) "
        "for each conversation.",
        Curve(
            expr=_each(catalog.ACTIVE_USERS),
            name="per active user",
            look=Look(colour=style.ACTIVE_USERS.colour),
        ),
        Curve(
            expr=_each(catalog.CONVERSATIONS),
            name="per conversation",
            look=Look(colour=style.CONVERSATIONS.colour),
            dashed=True,
            right_axis=True,
        ),
        look=Look(unit=style.MONEY, decimals=3),
        step=POLLS,
    )


def _parts(title: str, figure: Windowed) -> Panel:
    label = figure.labels[-1]
    return bars(
        title,
        f"Cost in the chosen window, the {FEW} largest. Beyond the {catalog.TOP} costliest of an "
        "org, all are one: other.",
        Part(expr=f"sort_desc(topk({FEW}, {promql.parts(figure)}))", name=f"{{{{{label}}}}}"),
        look=Look(unit=style.MONEY, decimals=2, colour=COST.colour, low=0),
    )


def _models_over_time() -> Panel:
    return trend(
        "Models over time",
        f"Cost of each language model in the chosen window, the {FEW} largest. "
        f"{style.COMPLETE_DAYS}",
        Curve(expr=f"topk({FEW}, {promql.parts(catalog.MODEL_COST)})", name="{{model}}"),
        look=Look(unit=style.MONEY, decimals=2),
        step=POLLS,
        stacked=True,
        legend=LegendPlacement.RIGHT,
    )


def _orgs() -> Panel:
    week, usual = (promql.per_org(name) for name in (_cost("7d"), promql.usual(catalog.COST, "7d")))
    users = promql.per_org(promql.over(catalog.ACTIVE_USERS))
    org = links.down(links.ORG, "Open the org", org="org")
    return grid(
        "Orgs by cost",
        "Orgs that cost most in the chosen window, what each active user costs, and how the last "
        "7 days compare with what is usual: orange from 150 %, red from 200 %.",
        Column(title="Org", label="org", look=Look(links=(org,))),
        Column(
            title="Cost in window",
            expr=f"topk(100, {promql.per_org(_cost())})",
            look=Look(unit=style.MONEY, decimals=2),
            width=130,
        ),
        Column(
            title="Per user",
            expr=f"{promql.per_org(_cost())} / ({users} > 0)",
            look=Look(unit=style.MONEY, decimals=3),
            width=90,
        ),
        Column(
            title="7 days vs usual",
            expr=f"{week} / ({usual} > 0)",
            look=Look(unit=style.SHARE, decimals=0, thresholds=MORE),
            width=130,
        ),
        sort="Cost in window",
        descending=True,
        limit=100,
    )
