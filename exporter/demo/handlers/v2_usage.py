"""Language models and the spend cap: what the platform's newest screens show."""

from datetime import date

from exporter.demo.data.agents import UNITS
from exporter.demo.data.models import AGGREGATIONS, MEASURES, MODELS, Usage, usage_by_model
from exporter.demo.data.talk import answers
from exporter.demo.handlers import v2
from exporter.demo.handlers.series import iso
from exporter.demo.request import ApiRequest, Json, invalid, not_found

_GROUPS = ("type", "model", "tags", "environment")


def llm_usage(request: ApiRequest) -> Json:
    """Return measures of model calls, for the period or by day.

    The platform does not document the members of a row. Here they are named like
    `p95_latency` and `model`, with `date` if they are by day.
    """
    query, days = request.query, v2.period(request)
    query.choice("resource", "metrics")
    measures = (query.text("measures") or MEASURES[0]).split(",")
    if unknown := set(measures) - set(MEASURES):
        raise invalid("measures", f'"{min(unknown)}" is not a valid choice.')
    aggregation = query.choice("aggregation", *AGGREGATIONS)
    group = query.choice("group_by", *_GROUPS) if query.text("group_by") else None
    limit = min(query.positive("limit", 100), 1000)
    rows = []
    spans: list[tuple[dict[str, Json], range]] = [({}, days)]
    if query.text("granularity"):
        query.choice("granularity", "day", others=("week", "month"))
        spans = [({"date": iso(day)}, range(day, day + 1)) for day in days]
    for start, span in spans:
        for name, usage in _usage(request, span, group).items():
            row = {**start, **({group: name} if group else {})}
            for measure in measures:
                value = usage.measure(measure, aggregation)
                if measure == "total_cost" and aggregation != "count":
                    value /= UNITS
                row[f"{aggregation}_{measure}"] = round(value, 6)
            rows.append(row)
    meta = {"start_date": iso(days.start), "end_date": iso(days.stop - 1), "count": len(rows)}
    return {"resource": "metrics", "data": rows[:limit], "meta": meta}


def spend_cap(request: ApiRequest) -> Json:
    """Return the monthly spend cap of the org, a 404 if it has none."""
    view, data = request.view, request.view.data
    if data.salt >> 8 & 3 == 0:
        raise not_found("SpendCap")
    # Most orgs spend about half of this in a month; for one in ten it is too little.
    dollars = -(-data.learners // 100) * (2 if data.salt % 10 == 1 else 10)
    cap = dollars * UNITS
    month = date.fromordinal(view.today).replace(day=1).toordinal()
    spent = sum(view.chats(range(month, view.today + 1)).cost)
    return {
        "interval_type": "month",
        "max_cost_usd": _cents(cap),
        "current_spend_usd": _cents(spent),
        "remaining_usd": _cents(max(cap - spent, 0)),
        "is_exceeded": spent > cap,
        "enabled": True,
        "enforcement": "block",
    }


def _usage(request: ApiRequest, days: range, group: str | None) -> dict[str, Usage]:
    """Return the usage of each member of a group, without a group of everything."""
    view = request.view
    chats = view.chats(days)
    if not answers(chats):
        return {}
    chance = view.data.chance
    slowness = [0.85 + 0.3 * chance.unit("latency", model.name, days[-1]) for model in MODELS]
    usages = usage_by_model(answers(chats), sum(chats.cost), slowness)
    if group == "model":
        return {model.name: usage for model, usage in usages.items() if usage.calls}
    everything = Usage.total(usages.values())
    return {"GENERATION" if group == "type" else "production": everything}


def _cents(units: int) -> str:
    return f"{units / UNITS:.2f}"
