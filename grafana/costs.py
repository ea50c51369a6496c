"""Costs: what agents cost, for what, and what the month will cost."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Metric, Windowed
from grafana import links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import COLORED_TEXT, Column, Curve, Look, Part
from grafana.panels import Chart, bars, grid, numbers, trend
from grafana.style import COST

EXTRA = "costs"
FEW = 10
DAYS = 28
PERIOD = "${period}"
MORE = style.from_all(style.PLAIN, (0.5, style.WATCH), (1, style.BAD))
SPENT = style.steps(style.GOOD, (0.8, style.WATCH), (1, style.BAD))
MONEY = Look(unit=style.MONEY, decimals=2)


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.COSTS,
        description="What agents cost: by org, model, provider and agent, and by active user. It "
        f"needs the extra costs. {style.COMPLETE_DAYS}",
        variables=[variables.org(), variables.period()],
        rows=[
            Row(
                title="Cost of agents",
                lines=(
                    Line(
                        height=3,
                        panels=(_spent(), forecast(), _per_user(), shared.orgs_included(EXTRA)),
                        widths=(10, 5, 4, 5),
                    ),
                ),
            ),
            Row(
                title="Over time",
                lines=(
                    Line(height=9, panels=(_vs_expected(), _spend_caps())),
                    Line(
                        height=8,
                        panels=(
                            _each_over_time("active user", catalog.ACTIVE_USERS, style.COST.color),
                            _each_over_time(
                                "conversation", catalog.CONVERSATIONS, style.CONVERSATIONS.color
                            ),
                        ),
                    ),
                ),
            ),
            Row(
                title="By part, ${period:text}",
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


def _cost(window: str = PERIOD, kind: str = "") -> str:
    return promql.over(catalog.COST, window, kind)


def _each(of: Windowed) -> str:
    """Return the cost for each of what is counted, over the orgs that have both."""
    cost, count = _cost(), promql.over(of, PERIOD)
    return f"{promql.total(cost, given=count)} / ({promql.total(count, given=cost)} > 0)"


def _spent() -> Panel:
    return shared.windows_of(COST, "today", "1d", "7d", "28d")


def forecast() -> Panel:
    """Return what the current month costs at the rate of the last days."""
    return numbers(
        "Month forecast",
        f"Cost of the current month if every day costs as much as the mean of the last {DAYS} "
        "complete days.",
        Part(
            expr=f"{promql.total(_cost(f'{DAYS}d'))} / {DAYS} * on () days_in_month()",
            name="forecast",
        ),
        look=shared.look(COST),
    )


def _per_user() -> Panel:
    return numbers(
        "Per user",
        "Cost in the chosen window for each active user, of orgs that have both.",
        Part(expr=_each(catalog.ACTIVE_USERS), name="per user"),
        look=Look(unit=COST.unit, decimals=3, color=COST.color),
    )


def _vs_expected() -> Panel:
    return trend(
        "Cost of a day vs. expected",
        "Cost of yesterday, with the lower half of its expected range. An alert fires when a day "
        "costs far more than expected.",
        *shared.range_of(
            COST.title,
            Look(color=COST.color),
            promql.total(_cost("1d")),
            promql.expected_value(COST, "1d"),
            promql.expected_value(COST, "1d", promql.LOW),
            end=style.BOUND,
        ),
        look=Look(unit=style.MONEY, decimals=2, nothing=shared.needs(EXTRA)),
    )


def _each_over_time(of: str, measure: Windowed, color: str) -> Chart:
    return trend(
        f"Cost per {of}",
        f"Cost in the chosen window for each {of}, of orgs that have both.",
        Curve(expr=_each(measure), name=f"per {of}", look=Look(color=color), fill=10),
        look=Look(unit=style.MONEY, decimals=3, nothing=shared.needs(EXTRA)),
    )


def _spend_caps() -> Panel:
    return spend_caps("Spend caps")


def spend_caps(title: str) -> Panel:
    """Return the table of what orgs spent of their caps."""
    org = links.down(links.ORG, "Open the org", org="org")
    limit, spent = (
        promql.per_org(metric) for metric in (catalog.SPEND_CAP_LIMIT, catalog.SPEND_CAP_SPENT)
    )
    used = f"{spent} / ({limit} > 0)"

    def money(name: str, metric: Metric, width: int) -> Column:
        expression = f"{promql.per_org(metric)} and topk(100, {used})"
        return Column(title=name, expr=expression, look=MONEY, width=width)

    return grid(
        title,
        "Spend caps of orgs in the current period, the most used first. Orange from 80 %, red from "
        "100 %.",
        Column(title="Org", label="org", look=Look(links=(org,)), at_least=90),
        Column(
            title="Used",
            expr=f"topk(100, {used})",
            look=Look(unit=style.SHARE, decimals=0, thresholds=SPENT),
            cell=COLORED_TEXT,
            width=78,
        ),
        money("Spent", catalog.SPEND_CAP_SPENT, 90),
        money("Limit", catalog.SPEND_CAP_LIMIT, 90),
        money("Remaining", catalog.SPEND_CAP_REMAINING, 112),
        sort="Used",
        descending=True,
        limit=100,
        nothing="no spend cap",
    )


def _parts(title: str, measure: Windowed) -> Panel:
    label = measure.labels[-1]
    parts = promql.parts(measure, PERIOD)
    return bars(
        title,
        f"Cost in the chosen window, the {FEW} largest.",
        Part(expr=f"sort_desc(topk({FEW}, {parts}))", name=f"{{{{{label}}}}}"),
        look=Look(
            unit=style.MONEY, decimals=2, color=COST.color, low=0, nothing=shared.needs(EXTRA)
        ),
    )


def _models_over_time() -> Panel:
    def models(at: str) -> str:
        return promql.parts(catalog.MODEL_COST, PERIOD, at=at)

    return trend(
        "Cost by model over time",
        f"Cost in the chosen window of the {FEW} models that cost most at the end of the time "
        "range.",
        Curve(expr=promql.largest(FEW, models, "model"), name="{{model}}"),
        look=Look(unit=style.MONEY, decimals=2, nothing=shared.needs(EXTRA)),
        stacked=True,
        legend=LegendPlacement.RIGHT,
    )


def _orgs() -> Panel:
    week, wanted = (promql.per_org(_cost("7d", kind)) for kind in ("", promql.EXPECTED))
    users = promql.per_org(promql.over(catalog.ACTIVE_USERS, PERIOD))
    org = links.down(links.ORG, "Open the org", org="org")
    return grid(
        "Orgs by cost",
        "Orgs that cost most in the chosen window, and the change of the cost of 7 days from the "
        "expected one. Orange from +50 %, red from +100 %.",
        Column(title="Org", label="org", look=Look(links=(org,)), at_least=90),
        Column(
            title="Cost",
            expr=f"topk(100, {promql.per_org(_cost())})",
            look=MONEY,
            width=100,
        ),
        Column(
            title="Per user",
            expr=f"{promql.per_org(_cost())} / ({users} > 0)",
            look=Look(unit=style.MONEY, decimals=3),
            width=96,
        ),
        Column(
            title="7 days vs. expected",
            expr=f"{week} / ({wanted} > 0) - 1",
            look=Look(unit=style.SHARE, decimals=0, thresholds=MORE),
            cell=COLORED_TEXT,
            width=172,
        ),
        sort="Cost",
        descending=True,
        limit=100,
        nothing=f"set extras: [{EXTRA}]",
    )
