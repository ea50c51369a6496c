"""The language models that answer: their share of calls, tokens and money."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from statistics import NormalDist

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


@dataclass(frozen=True, slots=True)
class Usage:
    """What one model did. Cost is in units of money, latency the sum of milliseconds."""

    calls: int
    cost: int
    input_tokens: int
    output_tokens: int
    latency: float

    @classmethod
    def total(cls, usages: Iterable["Usage"]) -> "Usage":
        """Return what `usages` add up to."""
        parts = [(u.calls, u.cost, u.input_tokens, u.output_tokens, u.latency) for u in usages]
        return cls(*map(sum, zip(*parts, strict=True)))

    def measure(self, name: str, aggregation: str) -> float:
        """Return one aggregated measure of the calls, of which there must be one."""
        if name == "count" or aggregation == "count":
            return self.calls
        whole = {
            "total_cost": self.cost,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "latency": self.latency,
        }[name]
        return whole if aggregation == "sum" else whole / self.calls * _OF_MEAN[aggregation]


MODELS = (
    Model("openai", "gpt-4o", 0.46, 0.30, 1400, 320, 1900),
    Model("openai", "gpt-4o-mini", 0.12, 0.42, 900, 260, 850),
    Model("anthropic", "claude-sonnet", 0.31, 0.18, 1600, 410, 2600),
    Model("google", "gemini-pro", 0.11, 0.10, 1200, 300, 1500),
)
MEASURES = ("total_cost", "input_tokens", "output_tokens", "total_tokens", "count", "latency")

# Single calls are distributed lognormally around their mean.
_OF_MEAN: Mapping[str, float] = {
    "avg": 1.0,
    "min": 0.2,
    "max": 5.0,
    **{
        f"p{percent}": exp(_SPREAD * NormalDist().inv_cdf(percent / 100) - _SPREAD**2 / 2)
        for percent in (50, 75, 90, 95, 99)
    },
}
AGGREGATIONS = ("sum", "count", *_OF_MEAN)


def cost_by_model(cost: int) -> dict[Model, int]:
    """Return how the units of money spent divide among the models."""
    return dict(zip(MODELS, split(cost, [m.cost_share for m in MODELS]), strict=True))


def usage_by_model(answers: int, cost: int, slowness: Sequence[float]) -> dict[Model, Usage]:
    """Return the usage of each model; `slowness` is a factor on its latency."""
    calls = split(answers, [m.call_share for m in MODELS])
    costs = cost_by_model(cost)
    return {
        model: Usage(
            calls=n,
            cost=costs[model],
            input_tokens=n * model.input_tokens,
            output_tokens=n * model.output_tokens,
            latency=n * model.latency * slow,
        )
        for model, n, slow in zip(MODELS, calls, slowness, strict=True)
    }
