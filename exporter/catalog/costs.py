"""Metrics of cost and model usage."""

from exporter.api import endpoints
from exporter.catalog.model import (
    MONEY,
    ORG,
    OTHER,
    TOP,
    TOTAL_MESSAGES,
    WEEKS,
    Area,
    Exempt,
    Windowed,
    gauge,
)

_USAGE_WINDOWS = ("today", "1d", "7d")
_LATENCY = Exempt("a property of model calls, not of people")

COST = Windowed(
    "cost",
    "Cost of agents",
    ORG,
    Area.COSTS,
    endpoints.COSTS,
    MONEY,
    unit="usd",
    fallback=endpoints.TENANT_COST,
)
MODEL_COST = Windowed(
    "model_cost",
    f"Cost of a language model (the {TOP} most expensive, and {OTHER})",
    ("org", "model"),
    Area.COSTS,
    endpoints.MODEL_COSTS,
    MONEY,
    windows=WEEKS,
    expected=(),
    unit="usd",
    fallback=endpoints.COST_DETAILS,
)
PROVIDER_COST = Windowed(
    "provider_cost",
    f"Cost of a provider of language models (the {TOP} most expensive, and {OTHER})",
    ("org", "provider"),
    Area.COSTS,
    endpoints.COST_DETAILS,
    MONEY,
    windows=WEEKS,
    expected=(),
    unit="usd",
)
AGENT_COST = Windowed(
    "agent_cost",
    f"Cost of an agent (the {TOP} most expensive, and {OTHER}; equal names are added up)",
    ("org", "agent"),
    Area.COSTS,
    endpoints.MENTOR_COSTS,
    MONEY,
    windows=WEEKS,
    expected=(),
    unit="usd",
    fallback=endpoints.COST_DETAILS,
)
SPEND_CAP_LIMIT = gauge(
    "spend_cap_limit_usd",
    "Spend cap of the org for its current period, in US dollars.",
    ORG,
    Area.COSTS,
    endpoints.SPEND_CAP,
    privacy=MONEY,
)
SPEND_CAP_SPENT = gauge(
    "spend_cap_spent_usd",
    "Amount spent in the current period of the spend cap, in US dollars.",
    ORG,
    Area.COSTS,
    endpoints.SPEND_CAP,
    privacy=MONEY,
)
SPEND_CAP_REMAINING = gauge(
    "spend_cap_remaining_usd",
    "Amount left in the current period of the spend cap, in US dollars.",
    ORG,
    Area.COSTS,
    endpoints.SPEND_CAP,
    privacy=MONEY,
)
SPEND_CAP_EXCEEDED = gauge(
    "spend_cap_exceeded",
    "Whether the org exceeded its spend cap.",
    ORG,
    Area.COSTS,
    endpoints.SPEND_CAP,
    privacy=MONEY,
)


def _by_model(
    name: str, counts: str, privacy: Exempt, *, unit: str = "", note: str = ""
) -> Windowed:
    return Windowed(
        name,
        f"{counts} by model (the {TOP} largest, and {OTHER})",
        ("org", "model"),
        Area.USAGE,
        endpoints.LLM_USAGE,
        privacy,
        windows=_USAGE_WINDOWS,
        expected=(),
        unit=unit,
        note=note,
    )


LLM_CALLS = _by_model("llm_calls", "Calls of language models", TOTAL_MESSAGES)
LLM_INPUT_TOKENS = _by_model("llm_input_tokens", "Input tokens", TOTAL_MESSAGES)
LLM_OUTPUT_TOKENS = _by_model("llm_output_tokens", "Output tokens", TOTAL_MESSAGES)
LLM_COST = _by_model("llm_cost", "Cost of calls of language models", MONEY, unit="usd")

_UNIT_NOTE = "The API does not document the unit; milliseconds are assumed."


def _latency(quantile: str) -> Windowed:
    return Windowed(
        f"llm_latency_{quantile}",
        f"Latency of calls of language models by model (the {TOP} most called), {quantile},",
        ("org", "model"),
        Area.USAGE,
        endpoints.LLM_USAGE,
        _LATENCY,
        windows=_USAGE_WINDOWS,
        expected=(),
        unit="seconds",
        note=_UNIT_NOTE,
    )


LLM_LATENCY_P50 = _latency("p50")
LLM_LATENCY_P95 = _latency("p95")
