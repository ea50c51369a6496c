"""Money and models in the newer family: the other store of costs, usage, and the spend cap.

The store of costs can be stale: then it returns 200 with zeros for every period.
"""

from collections import Counter
from collections.abc import Iterable

from exporter.demo.data.agents import UNITS, Agent
from exporter.demo.data.models import MODELS, PERCENTILES, SUMS, cost_by_model, usage_by_model
from exporter.demo.handlers.shapes import iso
from exporter.demo.handlers.v2 import list_page, period
from exporter.demo.request import ApiRequest, Json, invalid, not_found


def costs(request: ApiRequest) -> Json:
    """Return the cost of the period, and by day; money is decimal text."""
    query, days = request.query, period(request)
    query.required("metric")
    metric = query.choice("metric", "total_costs", "weekly_costs", "monthly_costs")
    query.choice("granularity", "day")
    units = _spent(request, days)
    overtime = zip(days, units, strict=True) if query.flag("show_overtime", default=True) else ()
    return {
        "metric": metric,
        "filters": {"granularity": "day", "platform_key": request.org.key},
        "value": _dollars(sum(units)),
        "percentage_change": None,
        "overtime": [{"date": iso(day), "value": _dollars(n)} for day, n in overtime],
        "period_info": {
            "start_date": iso(days.start),
            "end_date": iso(max(days.stop - 1, days.start)),
            "period_days": len(days),
            "range_type": query.text("date_filter") or "today",
        },
        "comparison_info": {},
    }


def cost_details(request: ApiRequest) -> Json:
    """Return the cost of the period by provider, model or agent; equal names are not summed."""
    request.query.required("group_by")
    group = request.query.choice("group_by", "provider", "llm_model", "mentor")
    days = period(request)
    models = cost_by_model(sum(_spent(request, days)))
    parts: Iterable[tuple[str, int]]
    if group == "llm_model":
        parts = [(model.name, units) for model, units in models.items()]
    elif group == "provider":
        providers: Counter[str] = Counter()
        for model, units in models.items():
            providers[model.provider] += units
        parts = providers.items()
    else:
        agents = request.view.agents
        parts = [(agent.name, sum(_spent(request, days, (agent,)))) for agent in agents]
    largest_first = sorted(parts, key=lambda part: (-part[1], part[0]))
    rows, page = list_page(
        request, largest_first, lambda part: {group: part[0], "total_cost": _dollars(part[1])}
    )
    return {
        **page,
        "rows": rows,
        "total_cost": _dollars(sum(units for _, units in largest_first)),
    }


def llm_usage(request: ApiRequest) -> Json:
    """Return measures of model calls in the period, by model.

    The platform does not document the members of a row. Here they are named like `p95_latency`.
    """
    query, view, days = request.query, request.view, period(request)
    aggregation = query.choice("aggregation", "sum", *PERCENTILES)
    factor = PERCENTILES.get(aggregation, 1)
    group = query.choice("group_by", "model")
    known = SUMS if aggregation == "sum" else ("latency",)
    measures = (query.text("measures") or known[0]).split(",")
    if unknown := set(measures) - set(known):
        raise invalid("measures", f'"{min(unknown)}" is not a valid choice.')
    chance, chats = view.data.chance, view.chats(days)
    slowness = [0.85 + 0.3 * chance.unit("latency", model.name, days.stop - 1) for model in MODELS]
    rows = [
        {
            group: model.name,
            **{f"{aggregation}_{name}": round(usage[name] * factor, 6) for name in measures},
        }
        for model, usage in usage_by_model(chats.answers, sum(chats.cost), slowness).items()
    ]
    limit = min(query.at_least(1, "limit", 100), 1000)
    meta = {"start_date": iso(days.start), "end_date": iso(days.stop - 1), "count": len(rows)}
    return {"resource": "metrics", "data": rows[:limit], "meta": meta}


def spend_cap(request: ApiRequest) -> Json:
    """Return the monthly spend cap of the org, a 404 if it has none."""
    view, data = request.view, request.view.data
    if data.salt >> 8 & 3 == 0:
        raise not_found("SpendCap")
    # Most orgs spend about half of this in a month; for one in ten it is too little.
    cap = -(-data.learners // 100) * (2 if data.salt % 10 == 1 else 10) * UNITS
    spent = sum(view.chats(view.month()).cost)
    return {
        "interval_type": "month",
        "max_cost_usd": f"{cap / UNITS:.2f}",
        "current_spend_usd": f"{spent / UNITS:.2f}",
        "remaining_usd": f"{max(cap - spent, 0) / UNITS:.2f}",
        "is_exceeded": spent > cap,
        "enabled": True,
        "enforcement": "block",
    }


def _spent(request: ApiRequest, days: range, agents: Iterable[Agent] | None = None) -> list[int]:
    if request.behavior.stale_costs:
        return [0] * len(days)
    return request.view.chats(days, agents).cost


def _dollars(units: int) -> str:
    return f"{units / UNITS:.5f}"
