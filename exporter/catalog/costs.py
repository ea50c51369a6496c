"""Figures of what agents cost, in US dollars."""

from exporter.api import endpoints
from exporter.catalog.model import ORG, OTHER, TOP, WEEKS, Area, Windowed

COST = Windowed(
    "cost_usd",
    "Cost of agents, in US dollars,",
    ORG,
    Area.COSTS,
    endpoints.COSTS,
    older=endpoints.OLDER_COSTS,
)
MODEL_COST = Windowed(
    "model_cost_usd",
    f"Cost of a language model (the {TOP} costliest, and {OTHER}), in US dollars,",
    ("org", "model"),
    Area.COSTS,
    endpoints.COST_DETAILS,
    windows=WEEKS,
    baselines=(),
    older=endpoints.OLDER_MODEL_COSTS,
)
PROVIDER_COST = Windowed(
    "provider_cost_usd",
    f"Cost of a provider of language models (the {TOP} costliest, and {OTHER}), in US dollars,",
    ("org", "provider"),
    Area.COSTS,
    endpoints.COST_DETAILS,
    windows=WEEKS,
    baselines=(),
)
AGENT_COST = Windowed(
    "agent_cost_usd",
    f"Cost of an agent (the {TOP} costliest, and {OTHER}), in US dollars,",
    ("org", "agent"),
    Area.COSTS,
    endpoints.COST_DETAILS,
    windows=WEEKS,
    baselines=(),
    older=endpoints.OLDER_AGENT_COSTS,
)
