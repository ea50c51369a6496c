"""Alerts on cost and on language models: cost above the expected one, spend cap, latency."""

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.prometheus.engagement import KEEP
from deploy.prometheus.rules import (
    HOUR,
    MINUTE,
    NUMBER,
    Alert,
    Dashboard,
    Expected,
    Group,
    Severity,
    last,
)
from exporter import catalog

FLOOR = 10
"""US dollars above the expected cost that are worth an alert."""

NEAR = 0.9
"""Share of the spend cap from which on it is nearly reached."""

SLOWER = 2
"""How many times the latency of the last 7 days is too slow."""

SLOW = 10
"""Seconds of latency that are acceptable."""

CALLS = 20
"""Calls of a model today that make a percentile meaningful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A window of costs, the expected cost it is compared with, and how many times is too much."""

    name: str
    expected: str
    factor: int
    when: str
    wait: int


WINDOWS = (
    # No expected cost is known for a day that is not over; but no day costs as much as a week.
    _Window(name="today", expected="7d", factor=1, when="today", wait=15 * MINUTE),
    _Window(name="1d", expected="1d", factor=3, when="yesterday", wait=HOUR),
    _Window(name="7d", expected="7d", factor=2, when="in the last 7 days", wait=HOUR),
)


def group() -> Group:
    """Return the alerts on cost and on language models."""
    return Group("iblai-costs", (*_costs(), *_spend_cap(), _latency()))


def _costs() -> Iterator[Alert]:
    for window in WINDOWS:
        expected = catalog.COST.expected_at(window.expected).name
        limit = f"{window.factor} * {last(expected)}" if window.factor > 1 else last(expected)
        yield Alert(
            name="IblaiCostHigh",
            severity=Severity.WARNING,
            when=(
                f"the cost of agents is {FLOOR} US dollars above one of these: 3 times the "
                "expected cost of a day, 2 times that of 7 days, or for today that of 7 days"
            ),
            expr=f"{last(catalog.COST.at(window.name).name)}\n  > {limit} + {FLOOR}",
            summary="The cost of agents is far above the expected cost.",
            description=(
                '{{ $labels.org }} has spent ${{ printf "%.2f" $value }} on agents '
                f"{window.when}."
            ),
            expected=Expected(
                selector=f"max({expected}{{%s}})",
                expr=last(expected),
                number=f'${{{{ printf "%.2f" {NUMBER} }}}} in {_DAYS[window.expected]}',
            ),
            dashboard=Dashboard.COSTS,
            wait=window.wait,
            keep=KEEP,
            labels={"window": window.name},
        )


_DAYS = {"1d": "a day", "7d": "7 days"}


def _spend_cap() -> Iterator[Alert]:
    exceeded = f"{last(catalog.SPEND_CAP_EXCEEDED.name)} == 1"
    yield Alert(
        name="IblaiSpendCapExceeded",
        severity=Severity.CRITICAL,
        when="the platform reports that the org exceeded its spend cap",
        expr=exceeded,
        summary="An org exceeded its spend cap.",
        description=("{{ $labels.org }} exceeded its spend cap. Its agents may stop responding."),
        dashboard=Dashboard.COSTS,
        wait=10 * MINUTE,
    )
    yield Alert(
        name="IblaiSpendCapNear",
        severity=Severity.WARNING,
        when=f"an org has spent at least {NEAR:.0%} of its spend cap",
        expr=(
            f"{last(catalog.SPEND_CAP_SPENT.name)}\n"
            f"  / ({last(catalog.SPEND_CAP_LIMIT.name)} > 0) >= {NEAR}\n"
            f"unless ({exceeded})"
        ),
        summary="An org has nearly reached its spend cap.",
        description="{{ $labels.org }} has spent {{ humanizePercentage $value }} of its spend cap.",
        dashboard=Dashboard.COSTS,
        wait=10 * MINUTE,
    )


def _latency() -> Alert:
    today, week = (last(catalog.LLM_LATENCY_P95.at(window).name) for window in ("today", "7d"))
    return Alert(
        name="IblaiModelLatencyHigh",
        severity=Severity.WARNING,
        when=(
            f"the p95 latency of a model today is over {SLOW}s and over {SLOWER} times that of the "
            f"last 7 days, in at least {CALLS} calls"
        ),
        expr=(
            f"({today} > {SLOW})\n"
            f"  > {SLOWER} * {week}\n"
            f"and {last(catalog.LLM_CALLS.at('today').name)} >= {CALLS}"
        ),
        summary="A language model is slow.",
        description=(
            "One in twenty calls of {{ $labels.model }} for {{ $labels.org }} took longer than "
            "{{ humanizeDuration $value }} today."
        ),
        dashboard=Dashboard.COSTS,
        wait=30 * MINUTE,
    )
