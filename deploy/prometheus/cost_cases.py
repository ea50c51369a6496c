"""Unit tests of the alerts on cost and on language models."""

from collections.abc import Iterator, Mapping

from deploy.prometheus.cases import (
    GAP,
    INSTANCE,
    OTHER_INSTANCE,
    SCRAPE,
    Case,
    Firing,
    Series,
    exporter,
    fires,
    metric,
    over,
    steady,
    values,
)
from exporter import catalog

_HOURS = 6.0
_COLLECTORS = ("costs", "spend_cap", "usage", "usage_today")


def of_costs() -> Iterator[Case]:
    """Yield costs, spend caps and latencies that are high, and those that are not."""
    yield from _of_costs()
    yield from _of_spend_caps()
    yield from _of_latency()


def _of_costs() -> Iterator[Case]:
    orgs: Mapping[str, tuple[Series, Firing]] = {
        org: (_costs(org, **given), [_high(window, org=org) for window in windows])
        for org, windows, given in (
            ("as expected", (), {}),
            ("twice on a day", (), {"day": 80}),
            ("over three times on a day", ("1d",), {"day": 131}),
            ("more today than in a week", ("today",), {"today": 251}),
            ("five times today", (), {"today": 200}),
            ("over twice in a week", ("7d",), {"week": 491}),
            ("more of a little", (), {"day": 9, "expected_day": 1, "today": 2}),
            ("from nothing", ("1d",), {"day": 12, "expected_day": 0}),
            ("nothing is expected", (), {"day": 900, "expected_day": GAP}),
            ("far less", (), {"day": 0, "week": 1, "today": 0}),
        )
    }
    series = {name: samples for found, _ in orgs.values() for name, samples in found.items()}
    firing = [alert for _, alerts in orgs.values() for alert in alerts]
    today = [alert for alert in firing if 'window="today"' in alert]
    yield Case("costs of an org", series, {SCRAPE: (), 0.5: today, 3.5: firing})
    yield Case(
        "a pair of exporters raises one alert on costs",
        _costs("acme", day=140) | _costs("acme", instance=OTHER_INSTANCE, day=140),
        {3.5: (_high("1d"),)},
    )


def _of_spend_caps() -> Iterator[Case]:
    exceeded = fires("IblaiSpendCapExceeded", "critical", org="exceeded")
    near = fires("IblaiSpendCapNear", "warning", org="near")
    series: Series = {}
    for org, spent, limit, over_cap in (
        ("well below", 40, 100, 0),
        ("near", 92, 100, 0),
        ("exceeded", 104, 100, 1),
        ("without a cap", 40, 0, 0),
    ):
        series |= exporter(_HOURS, org=org, collectors=_COLLECTORS)
        for gauge, value in (
            (catalog.SPEND_CAP_SPENT, spent),
            (catalog.SPEND_CAP_LIMIT, limit),
            (catalog.SPEND_CAP_EXCEEDED, over_cap),
        ):
            series[metric(gauge.name, org=org)] = steady(value, hours=_HOURS)
    yield Case("spend caps", series, {2: (near, exceeded)})
    of_near = metric(catalog.SPEND_CAP_SPENT.name, org="near")
    reset = series | {of_near: over((92, 2), (1, _HOURS - 2))}
    yield Case("a new month for the spend cap", reset, {1.5: (near, exceeded), 3: (exceeded,)})


def _of_latency() -> Iterator[Case]:
    series = exporter(_HOURS, collectors=_COLLECTORS)
    models: tuple[tuple[str, float, float | str, float], ...] = (
        ("steady", 12, 11, 900),
        ("slow", 31, 11, 900),
        ("slower, but fast", 6, 2, 900),
        ("slow in a few calls", 31, 11, 3),
        ("slow since ever", 90, 80, 900),
        ("new", 31, GAP, 900),
    )
    for model, today, week, calls in models:
        samples: dict[catalog.Metric, float | str] = {
            catalog.LLM_LATENCY_P95.at("today"): today,
            catalog.LLM_LATENCY_P95.at("7d"): week,
            catalog.LLM_CALLS.at("today"): calls,
        }
        for gauge, value in samples.items():
            series[metric(gauge.name, model=model)] = steady(value, hours=_HOURS)
    slow = fires("IblaiModelLatencyHigh", "warning", org="acme", model="slow")
    yield Case("latencies of models", series, {2: (slow,)})


def _costs(
    org: str,
    *,
    today: float = 20,
    day: float = 41,
    expected_day: float | str = 40,
    week: float = 245,
    instance: str = INSTANCE,
) -> Series:
    of: dict[str, float | str] = {
        "today": today,
        "1d": day,
        "1d_expected": steady(expected_day, hours=_HOURS),
        "7d": week,
        "7d_expected": 240,
    }
    return exporter(_HOURS, org=org, collectors=_COLLECTORS, instance=instance) | values(
        catalog.COST, _HOURS, of=of, org=org, instance=instance
    )


def _high(window: str, *, org: str = "acme") -> str:
    return fires("IblaiCostHigh", "warning", org=org, window=window)
