"""Costs and invoices, as `/api/analytics/financial/` tells them: money as decimal text."""

from collections.abc import Mapping

from exporter.demo import buckets, learners, newer, rhythm, shapes
from exporter.demo.asking import MONTH, Answer, Ask, Json, Refusal
from exporter.demo.costs import UNITS, by_model, spent

_METRICS = ("total_costs", "weekly_costs", "monthly_costs")
_ACTIONS = {"chat": 0.83, "embedding": 0.11, "moderation": 0.06}
_SPENDERS = 25
_TOTAL = {"name": "total_cost", "unit": "$", "description": "Cost"}


def costs(ask: Ask) -> Json:
    """Answer the cost of the period, by day, week or month, and compared if that is asked for."""
    ask.query.required("metric")
    metric = ask.query.choice("metric", *_METRICS)
    days, by = newer.period(ask), ask.query.choice("granularity", "day", "week", "month")
    units = [_of_model(ask, count) for count in spent(ask, days)]
    total = sum(units)
    overtime = buckets.counted(ask, days, units, by=newer.granularity(ask, "day"))
    shown = ask.query.flag("show_overtime", default=True)
    change, comparison = _compare(ask, days, total)
    return {
        "metric": metric,
        "filters": {"granularity": by, "platform_key": ask.org.key},
        "value": _dollars(total),
        "percentage_change": change,
        "overtime": [
            {"date": time[:10], "value": _dollars(count)} for time, count in overtime if shown
        ],
        "period_info": {
            "start_date": shapes.iso(days.start),
            "end_date": shapes.iso(days[-1]) if days else shapes.iso(days.start),
            "period_days": len(days),
            "range_type": ask.query.text("date_filter") or "today",
        },
        "comparison_info": comparison,
    }


def details(ask: Ask) -> Json:
    """Answer the cost of the period by provider, model, user, mentor, org or kind of action."""
    ask.query.required("group_by")
    group = ask.query.choice(
        "group_by", "provider", "llm_model", "username", "mentor", "platform", "action"
    )
    parts = _parts(ask, group, newer.period(ask))

    def row(part: tuple[str, int]) -> Json:
        return {group: part[0], "total_cost": _dollars(part[1])}

    rows, says = newer.page_of(ask, sorted(parts.items(), key=lambda p: (-p[1], p[0])), row)
    return {
        **{name: says[name] for name in ("page", "limit", "total_pages", "total_records")},
        "rows": rows,
        "total_cost": _dollars(sum(parts.values())),
        "metrics": [_TOTAL],
    }


def invoice(ask: Ask) -> Json:
    """Answer what the org owes, by default for 30 days."""
    if ask.query.text("platform_key") is None:
        raise Refusal(403, {"detail": "You do not have permission to access this resource"})
    days = ask.days(default=MONTH)
    units, sessions = sum(spent(ask, days)), sum(ask.view.sessions(days))
    return {
        "entity": {
            "type": "platform",
            "platform_key": ask.org.key,
            "platform_name": ask.org.key.title(),
            "display_name": ask.org.key.title(),
        },
        "billing_period": {
            "start_date": shapes.iso(days.start),
            "end_date": shapes.iso(days.stop - 1),
            "days": len(days),
        },
        "summary": {
            "total_cost": f"{units / UNITS:.3f}",
            "total_sessions": sessions,
            "active_users": ask.view.users(ask.view.mentors, days),
            "cost_per_session": f"{units / UNITS / (sessions or 1):.3f}",
        },
    }


def _compare(ask: Ask, days: range, total: int) -> tuple[float | None, Json]:
    wanted = ask.query.integer("comparison_days")
    if not wanted or wanted < 1:
        return None, {}
    earlier = range(days.start - wanted, days.start)
    then = sum(_of_model(ask, count) for count in spent(ask, earlier))
    return shapes.change(total, then), {
        "previous_period_count": wanted,
        "previous_period_value": _dollars(then),
        "comparison_start": shapes.iso(earlier.start),
        "comparison_end": shapes.iso(earlier[-1]),
        "comparison_days": wanted,
        "recent_period_value": _dollars(total),
    }


def _of_model(ask: Ask, units: int) -> int:
    """Return the part of `units` that `provider` and `llm_model` ask for."""
    provider, wanted = ask.query.text("provider"), ask.query.text("llm_model")
    return sum(
        part
        for (vendor, model), part in by_model(units).items()
        if provider in (None, vendor) and wanted in (None, model)
    )


def _parts(ask: Ask, group: str, days: range) -> dict[str, int]:
    """Return the units of each member of a group; they add up to those of the org."""
    total = sum(spent(ask, days))
    if group == "llm_model":
        return {model: units for (_, model), units in by_model(total).items()}
    if group == "provider":
        providers: dict[str, int] = {}
        for (provider, _), units in by_model(total).items():
            providers[provider] = providers.get(provider, 0) + units
        return providers
    if group == "mentor":
        return {m.name: sum(spent(ask, days, (m,))) for m in ask.view.mentors}
    if group == "action":
        return dict(zip(_ACTIONS, rhythm.split(total, list(_ACTIONS.values())), strict=True))
    if group == "username":
        names = [learners.username(ask, place) for place in range(_SPENDERS)]
        parts = rhythm.split(total, [1 / (4 + place) for place in range(_SPENDERS)])
        return dict(zip(names, parts, strict=True))
    return {ask.org.key: total}


def _dollars(units: int) -> str:
    return f"{units / UNITS:.5f}"


ANSWERS: Mapping[str, Answer] = {
    f"{newer.ROOT}/financial/": costs,
    f"{newer.ROOT}/financial/details/": details,
    f"{newer.ROOT}/financial/invoice/": invoice,
}
