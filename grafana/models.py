"""Models and usage: calls, tokens, cost and latency of language models, and spend caps."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Windowed
from grafana import costs, links, promql, shared, style, variables
from grafana.board import Board, Line, Row
from grafana.looks import Column, Curve, Look, Part
from grafana.panels import Chart, grid, numbers, trend

EXTRA = "usage"
FEW = 10
WINDOWS = ("today", "1d", "7d")
COLOR = "#0891B2"
MONEY = Look(unit=style.MONEY, decimals=2, color=style.COST.color)
SECONDS = Look(unit=style.SECONDS, decimals=2)


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.MODELS,
        description="Language models: calls, tokens, cost and latency, and spend caps. It needs "
        f"the extra usage, and costs for the caps. {style.COMPLETE_DAYS}",
        variables=[variables.org(), variables.window()],
        rows=[
            Row(
                title="Usage",
                lines=(
                    Line(
                        height=3,
                        panels=(
                            _summed("Calls", "Calls of language models.", catalog.LLM_CALLS),
                            _tokens(),
                            _summed("Model cost", "Cost of calls.", catalog.LLM_COST, MONEY),
                        ),
                    ),
                    Line(
                        height=3,
                        panels=(
                            _forecast(),
                            _cap_spent(),
                            _per_call(),
                            shared.orgs_included(EXTRA),
                        ),
                    ),
                ),
            ),
            Row(title="Models, ${window:text}", lines=(Line(height=9, panels=(_models(),)),)),
            Row(
                title="By model over time, ${window:text}",
                lines=(
                    Line(
                        height=8,
                        panels=(
                            _over_time("Cost by model", "Cost of calls.", catalog.LLM_COST, MONEY),
                            _over_time(
                                "Calls by model",
                                "Calls of language models.",
                                catalog.LLM_CALLS,
                                shared.count(),
                            ),
                        ),
                    ),
                    Line(
                        height=8,
                        panels=(
                            _over_time(
                                "Input tokens by model",
                                "Tokens of the requests.",
                                catalog.LLM_INPUT_TOKENS,
                                Look(unit=style.NUMBER),
                            ),
                            _over_time(
                                "Output tokens by model",
                                "Tokens of the responses.",
                                catalog.LLM_OUTPUT_TOKENS,
                                Look(unit=style.NUMBER),
                            ),
                        ),
                    ),
                    Line(
                        height=8,
                        panels=(
                            _latency("Latency by model, median", catalog.LLM_LATENCY_P50),
                            _latency("Latency by model, 95th percentile", catalog.LLM_LATENCY_P95),
                        ),
                    ),
                ),
            ),
            Row(
                title="Spend caps",
                lines=(Line(height=8, panels=(_cap_over_time(), costs.spend_caps("Caps by org"))),),
            ),
        ],
    )


def _total(measure: Windowed, window: str = promql.WINDOW) -> str:
    return f"sum({promql.one(promql.over(measure, window), 'org', 'model')})"


def _summed(title: str, text: str, measure: Windowed, look: Look | None = None) -> Panel:
    return shared.by_window(
        title,
        f"{text} All models and chosen orgs together.",
        ((style.WINDOWS[window], _total(measure, window)) for window in WINDOWS),
        look=look or shared.count(COLOR),
    )


def _tokens() -> Panel:
    def tokens(window: str) -> str:
        return (
            f"{_total(catalog.LLM_INPUT_TOKENS, window)} + "
            f"{_total(catalog.LLM_OUTPUT_TOKENS, window)}"
        )

    return shared.by_window(
        "Tokens",
        "Input and output tokens of all models and chosen orgs together.",
        ((style.WINDOWS[window], tokens(window)) for window in WINDOWS),
        look=Look(unit=style.NUMBER, decimals=1, color=COLOR),
    )


def _forecast() -> Panel:
    return numbers(
        "Month forecast, 7 days",
        "Cost of calls in the current month if every day costs as much as the mean of the last 7.",
        Part(expr=f"{_total(catalog.LLM_COST, '7d')} / 7 * on () days_in_month()", name="forecast"),
        look=MONEY,
    )


def _cap_spent() -> Panel:
    spent, limit = (
        promql.total(metric) for metric in (catalog.SPEND_CAP_SPENT, catalog.SPEND_CAP_LIMIT)
    )
    return numbers(
        "Spent of the caps",
        "What orgs with a spend cap spent of it in the current period. Orange from 80 %, red from "
        "100 %.",
        Part(expr=f"{spent} / ({limit} > 0)", name="spent"),
        look=Look(unit=style.SHARE, decimals=0, thresholds=costs.SPENT, nothing="no cap"),
    )


def _per_call() -> Panel:
    return numbers(
        "Cost per 1,000 calls",
        "Cost of calls in the chosen window.",
        Part(
            expr=f"{_total(catalog.LLM_COST)} / ({_total(catalog.LLM_CALLS)} > 0) * 1000",
            name="cost",
        ),
        look=MONEY,
    )


def _models() -> Panel:
    calls = promql.parts(catalog.LLM_CALLS)
    cost = promql.parts(catalog.LLM_COST)

    def column(title: str, expression: str, look: Look, width: int) -> Column:
        return Column(title=title, expr=expression, look=look, width=width)

    def slowest(measure: Windowed) -> str:
        return promql.one(promql.over(measure), "model")

    tokens = Look(unit=style.NUMBER, decimals=1)
    return grid(
        "Usage by model",
        "All chosen orgs together, by cost. Latency is that of the org where it is highest.",
        Column(title="Model", label="model", at_least=200),
        column("Calls", calls, shared.count(), 110),
        column("Input tokens", promql.parts(catalog.LLM_INPUT_TOKENS), tokens, 130),
        column("Output tokens", promql.parts(catalog.LLM_OUTPUT_TOKENS), tokens, 140),
        column("Cost", cost, Look(unit=style.MONEY, decimals=2), 110),
        column(
            "Cost per 1,000 calls",
            f"{cost} / ({calls} > 0) * 1000",
            Look(unit=style.MONEY, decimals=2),
            180,
        ),
        column("p50", slowest(catalog.LLM_LATENCY_P50), SECONDS, 90),
        column("p95", slowest(catalog.LLM_LATENCY_P95), SECONDS, 90),
        sort="Cost",
        descending=True,
        limit=100,
        nothing=shared.needs(EXTRA),
    )


def _over_time(title: str, text: str, measure: Windowed, look: Look) -> Chart:
    def models(at: str) -> str:
        return promql.parts(measure, at=at)

    return trend(
        title,
        f"{text} The {FEW} models that are largest at the end of the time range.",
        Curve(expr=promql.largest(FEW, models, "model"), name="{{model}}"),
        look=Look(unit=look.unit, decimals=look.decimals, nothing=shared.needs(EXTRA)),
        stacked=True,
        legend=LegendPlacement.RIGHT,
    )


def _latency(title: str, measure: Windowed) -> Chart:
    def models(at: str) -> str:
        return promql.one(promql.over(measure), "model", at=at)

    return trend(
        title,
        f"Latency of calls, of the org where it is highest. The {FEW} slowest models at the end of "
        "the time range.",
        Curve(expr=promql.largest(FEW, models, "model"), name="{{model}}"),
        look=Look(unit=style.SECONDS, nothing=shared.needs(EXTRA)),
        legend=LegendPlacement.RIGHT,
    )


def _cap_over_time() -> Panel:
    capped = catalog.SPEND_CAP_LIMIT
    return trend(
        "Spent and limit",
        "What orgs with a spend cap spent of it in the current period, and their caps together.",
        Curve(
            expr=promql.total(catalog.SPEND_CAP_SPENT, given=capped.name),
            name="spent",
            look=Look(color=style.COST.color),
            fill=10,
        ),
        Curve(expr=promql.total(capped), name="limit", look=Look(color=style.BAD), dashed=True),
        look=Look(unit=style.MONEY, decimals=2, nothing="no spend cap"),
    )
