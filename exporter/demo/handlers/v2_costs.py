"""The other store of costs, under `/api/analytics/financial/`: money as decimal text.

It can be stale: then it returns 200 with zeros for every period.
"""

from collections.abc import Iterable

from exporter.demo.data.agents import UNITS, Agent
from exporter.demo.data.calendar import split
from exporter.demo.data.models import cost_by_model
from exporter.demo.handlers import v2
from exporter.demo.handlers.learners import username
from exporter.demo.handlers.series import change, counted, iso
from exporter.demo.request import ApiRequest, Json

_METRICS = ("total_costs", "weekly_costs", "monthly_costs")
_GROUPS = ("provider", "llm_model", "username", "mentor", "platform", "action")
_ACTIONS = {"chat": 0.83, "embedding": 0.11, "moderation": 0.06}
_SPENDERS = 25


def costs(request: ApiRequest) -> Json:
    """Return the cost of the period, by day, week or month, and compared if the query says so."""
    request.query.required("metric")
    metric = request.query.choice("metric", *_METRICS)
    request.query.choice("granularity", "day", "week", "month")
    days = v2.period(request)
    units = [_of_model(request, count) for count in _spent(request, days)]
    overtime = counted(request, days, units, by=v2.granularity(request, "day"))
    shown = request.query.flag("show_overtime", default=True)
    percentage, comparison = _comparison(request, days, sum(units))
    return {
        "metric": metric,
        "filters": {
            "granularity": request.query.text("granularity") or "day",
            "platform_key": request.org.key,
        },
        "value": _dollars(sum(units)),
        "percentage_change": percentage,
        "overtime": [
            {"date": time[:10], "value": _dollars(count)} for time, count in overtime if shown
        ],
        "period_info": {
            "start_date": iso(days.start),
            "end_date": iso(max(days.stop - 1, days.start)),
            "period_days": len(days),
            "range_type": request.query.text("date_filter") or "today",
        },
        "comparison_info": comparison,
    }


def cost_details(request: ApiRequest) -> Json:
    """Return the cost of the period by provider, model, user, agent, org or kind of action."""
    request.query.required("group_by")
    group = request.query.choice("group_by", *_GROUPS)
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


def _comparison(request: ApiRequest, days: range, total: int) -> tuple[float | None, Json]:
    wanted = request.query.integer("comparison_days")
    if not wanted or wanted < 1:
        return None, {}
    earlier = range(days.start - wanted, days.start)
    then = sum(_of_model(request, count) for count in _spent(request, earlier))
    return change(total, then), {
        "previous_period_count": wanted,
        "previous_period_value": _dollars(then),
        "comparison_start": iso(earlier.start),
        "comparison_end": iso(earlier[-1]),
        "comparison_days": wanted,
        "recent_period_value": _dollars(total),
    }


def _of_model(request: ApiRequest, units: int) -> int:
    """Return the part of `units` that the filters `provider` and `llm_model` let through."""
    provider, name = request.query.text("provider"), request.query.text("llm_model")
    return sum(
        part
        for model, part in cost_by_model(units).items()
        if provider in (None, model.provider) and name in (None, model.name)
    )


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
    if group == "mentor":
        agents = request.view.agents
        return [(agent.name, sum(_spent(request, days, (agent,)))) for agent in agents]
    if group == "action":
        return list(zip(_ACTIONS, split(total, list(_ACTIONS.values())), strict=True))
    if group == "username":
        names = [username(request, place) for place in range(_SPENDERS)]
        return list(zip(names, split(total, [1 / (4 + p) for p in range(_SPENDERS)]), strict=True))
    return [(request.org.key, total)]


def _dollars(units: int) -> str:
    return f"{units / UNITS:.5f}"
