"""The language models that answer: their share of calls, tokens and money."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp
from statistics import NormalDist

from exporter.demo.data.agents import UNITS
from exporter.demo.data.calendar import split

_SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class Model:
    """One model. Shares are of an org's calls and cost, tokens and milliseconds of one call."""

    provider: str
    name: str
    cost_share: float
    call_share: float
    input_tokens: int
    output_tokens: int
    latency: int


MODELS = (
    Model("openai", "gpt-4o", 0.46, 0.30, 1400, 320, 1900),
    Model("openai", "gpt-4o-mini", 0.12, 0.42, 900, 260, 850),
    Model("anthropic", "claude-sonnet", 0.31, 0.18, 1600, 410, 2600),
    Model("google", "gemini-pro", 0.11, 0.10, 1200, 300, 1500),
)


def cost_by_model(cost: int) -> dict[Model, int]:
    """Return how the units of money spent divide among the models."""
    return dict(zip(MODELS, split(cost, [m.cost_share for m in MODELS]), strict=True))


def usage_by_model(
    answers: int, cost: int, slowness: Sequence[float]
) -> dict[str, dict[str, float]]:
    """Return calls, cost (dollars), tokens and percentiles of latency (ms) by model.

    The names are those of the API; a model without calls is left out. `slowness` is a factor on
    the latency of each model.
    """
    calls = split(answers, [m.call_share for m in MODELS])
    costs = cost_by_model(cost)
    return {
        model.name: {
            "sum_count": n,
            "sum_total_cost": costs[model] / UNITS,
            "sum_input_tokens": n * model.input_tokens,
            "sum_output_tokens": n * model.output_tokens,
            "sum_total_tokens": n * (model.input_tokens + model.output_tokens),
            **{
                f"p{percent}_latency": model.latency * slow * _quantile(percent)
                for percent in (50, 75, 90, 95, 99)
            },
        }
        for model, n, slow in zip(MODELS, calls, slowness, strict=True)
        if n
    }


def _quantile(percent: int) -> float:
    """Return a percentile of the latency of calls, which is lognormal, for a mean of 1."""
    return exp(_SPREAD * NormalDist().inv_cdf(percent / 100) - _SPREAD**2 / 2)
