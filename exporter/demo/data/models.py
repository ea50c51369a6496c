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

SUMS = ("total_cost", "count", "input_tokens", "output_tokens", "total_tokens")
PERCENTILES = {
    f"p{percent}": exp(_SPREAD * NormalDist().inv_cdf(percent / 100) - _SPREAD**2 / 2)
    for percent in (50, 75, 90, 95, 99)
}
"""Percentiles of the latency of calls, which is lognormal, for a mean of 1."""


def cost_by_model(cost: int) -> dict[Model, int]:
    """Return how the units of money spent divide among the models."""
    return dict(zip(MODELS, split(cost, [m.cost_share for m in MODELS]), strict=True))


def usage_by_model(
    answers: int, cost: int, slowness: Sequence[float]
) -> dict[Model, dict[str, float]]:
    """Return `SUMS` and the mean latency (ms) of each model with calls; cost is in dollars.

    `slowness` is a factor on the latency of each model.
    """
    calls = split(answers, [m.call_share for m in MODELS])
    costs = cost_by_model(cost)
    return {
        model: {
            "count": n,
            "total_cost": costs[model] / UNITS,
            "input_tokens": n * model.input_tokens,
            "output_tokens": n * model.output_tokens,
            "total_tokens": n * (model.input_tokens + model.output_tokens),
            "latency": model.latency * slow,
        }
        for model, n, slow in zip(MODELS, calls, slowness, strict=True)
        if n
    }
