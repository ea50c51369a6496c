"""The other store of costs, under `/api/analytics/financial/`: money as decimal text.

It can be stale: then it returns 200 with zeros for every period.
"""

from collections.abc import Iterable

from exporter.demo.data.agents import UNITS, Agent
from exporter.demo.data.models import cost_by_model
from exporter.demo.handlers import v2
from exporter.demo.handlers.series import iso
from exporter.demo.request import ApiRequest, Json

_METRICS = ("total_costs", "weekly_costs", "monthly_costs")
_GROUPS = ("provider", "llm_model", "mentor")
_OTHER_GROUPS = ("username", "platform", "action")


def costs(request: ApiRequest) -> Json:
    """Return the cost of the period, and by day."""
    request.query.required("metric")
    metric = request.query.choice("metric", *_METRICS)
    request.query.choice("granularity", "day", others=("week", "month"))
    days = v2.period(request)
    units = _spent(request, days)
    overtime = list(zip(days, units, strict=True))
    if not request.query.flag("show_overtime", default=True):
        overtime = []
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
            "range_type": request.query.text("date_filter") or "today",
        },
        "comparison_info": {},
    }


def cost_details(request: ApiRequest) -> Json:
    """Return the cost of the period by provider, model or agent."""
    request.query.required("group_by")
    group = request.query.choice("group_by", *_GROUPS, others=_OTHER_GROUPS)
    parts = _parts(request, group, v2.period(request))

    def row(part: tuple[str, int]) -> Json:
        return {group: part[0], "total_cost": _dollars(part[1])}

    rows, pagination = v2.rows_of_page(request, sorted(parts, key=lambda p: (-p[1], p[0])), row)
    return {
        **{name: pagination[name] for name in ("page", "limit", "total_pages", "total_records")},
        "rows": rows,
        "total_cost": _dollars(sum(units for _, units in parts)),
        "metrics": [{"name": "total_cost", "unit": "$", "description": "Cost"}],
    }


def _spent(request: ApiRequest, days: range, agents: Iterable[Agent] | None = None) -> list[int]:
    if request.stale_costs:
        return [0] * len(days)
    return request.view.chats(days, agents).cost


def _parts(request: ApiRequest, group: str, days: range) -> list[tuple[str, int]]:
    """Return the members of a group with their units, equal names as well."""
    total = sum(_spent(request, days))
    if group == "llm_model":
        return [(model.name, units) for model, units in cost_by_model(total).items()]
    if group == "provider":
        providers: dict[str, int] = {}
        for model, units in cost_by_model(total).items():
            providers[model.provider] = providers.get(model.provider, 0) + units
        return list(providers.items())
    agents = request.view.agents
    return [(agent.name, sum(_spent(request, days, (agent,)))) for agent in agents]


def _dollars(units: int) -> str:
    return f"{units / UNITS:.5f}"
