"""Unit tests of the alerts on costs."""

from collections.abc import Iterator, Mapping

from deploy.prometheus.cases import (
    GAP,
    INSTANCE,
    OTHER_INSTANCE,
    PER_HOUR,
    Case,
    Firing,
    Series,
    metric,
    over,
    steady,
    told,
    world,
)

_HOURS = 6.0
_COLLECTORS = ("costs", "costs_today")


def of_costs() -> Iterator[Case]:
    """Yield costs as ever, costs far above, and costs of which nothing is usual."""
    orgs: Mapping[str, tuple[Series, Firing]] = {
        org: (_costs(org, **readings), [_high(window, org=org) for window in windows])
        for org, windows, readings in (
            ("as ever", (), {}),
            ("twice on a day", (), {"day": 80}),
            ("three times on a day", ("1d",), {"day": 120}),
            ("as much today as in a week", ("today",), {"today": 251}),
            ("five times today", (), {"today": 200}),
            ("twice in a week", ("7d",), {"week": 480}),
            ("more of a little", (), {"day": 9, "usual_day": 1, "today": 2}),
            ("from nothing", ("1d",), {"day": 12, "usual_day": 0}),
            ("nothing is usual", (), {"day": 900, "usual_day": GAP}),
            ("far less", (), {"day": 0, "week": 1, "today": 0}),
        )
    }
    series = {name: values for found, _ in orgs.values() for name, values in found.items()}
    firing = [alert for _, alerts in orgs.values() for alert in alerts]
    today = [alert for alert in firing if 'window="today"' in alert]
    yield Case("costs of an org", series, {1 / PER_HOUR: (), 1: today, 3.5: firing})
    yield Case(
        "a pair of exporters tells of costs once",
        _costs("acme", day=120) | _costs("acme", instance=OTHER_INSTANCE, day=120),
        {3.5: (_high("1d"),)},
    )
    stale = _costs("acme")
    stale[metric("collector_success", collector="costs")] = steady(0, hours=_HOURS)
    last = metric("collector_last_success_timestamp_seconds", collector="costs")
    stale[last] = steady(60, hours=_HOURS)
    stale[metric("cost_usd_1d")] = over((41, 4), (120, _HOURS - 4))
    yield Case("a cost that is served although its collector fails", stale, {5.5: ()})


def _costs(
    org: str,
    *,
    today: float = 20,
    day: float = 41,
    usual_day: float | str = 40,
    week: float = 245,
    instance: str = INSTANCE,
) -> Series:
    readings = {
        "cost_usd_today": today,
        "cost_usd_1d": day,
        "cost_usd_1d_baseline": usual_day,
        "cost_usd_7d": week,
        "cost_usd_7d_baseline": 240,
    }
    series = world(_HOURS, org=org, collectors=_COLLECTORS, instance=instance)
    return series | {
        metric(name, org=org, instance=instance): steady(value, hours=_HOURS)
        for name, value in readings.items()
    }


def _high(window: str, *, org: str = "acme") -> str:
    return told("IblaiCostHigh", "warning", org=org, figure="cost_usd", window=window)
