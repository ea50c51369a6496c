"""Costs of agents that are far above what is usual."""

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.prometheus.drops import FRESH_AGE, KEEP, SEEN, last
from deploy.prometheus.rules import HOUR, MINUTE, Alert, Dashboard, Group, Severity

FLOOR = 10
"""US dollars above the usual that are worth a message."""

_COST = "iblai_cost_usd"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """A window of costs, the baseline it is held against, and how many times that is too much."""

    name: str
    usual: str
    factor: int
    collector: str
    when: str
    usually: str
    wait: int


WINDOWS = (
    # Which weekday today is, no baseline knows; but no day costs as much as a week.
    _Window(
        name="today",
        usual="7d",
        factor=1,
        collector="costs_today",
        when="today",
        usually="in 7 days",
        wait=15 * MINUTE,
    ),
    _Window(
        name="1d",
        usual="1d",
        factor=3,
        collector="costs",
        when="yesterday",
        usually="on that weekday",
        wait=HOUR,
    ),
    _Window(
        name="7d",
        usual="7d",
        factor=2,
        collector="costs",
        when="in the last 7 complete days",
        usually="in 7 days",
        wait=HOUR,
    ),
)


def group() -> Group:
    """Return the alerts on costs. What is fresh is recorded with the drops."""
    return Group("iblai-costs", tuple(_alerts()))


def _alerts() -> Iterator[Alert]:
    for window in WINDOWS:
        # Recorded in another group, which may be evaluated before this one or after it.
        fresh = f'last_over_time({FRESH_AGE}{{collector="{window.collector}"}}[{SEEN}])'
        now, usual = last(f"{_COST}_{window.name}"), last(f"{_COST}_{window.usual}_baseline")
        yield Alert(
            name="IblaiCostHigh",
            severity=Severity.WARNING,
            tells=(
                "agents cost 3 times what is usual on a day, twice what is usual in 7 days, or "
                f"today alone as much as 7 days usually do; and at least {FLOOR} US dollars more"
            ),
            expr=(
                f"{now} >= {window.factor} * {usual}\n"
                f"and on (org) {now} - {usual} >= {FLOOR}\n"
                f"and on (org) {fresh}"
            ),
            summary="Agents cost far more than is usual.",
            description=(
                '{{ $labels.org }} has spent ${{ $value | printf "%.2f" }} on agents '
                f"{window.when}, where ${_usual(window.usual)} are usual {window.usually}."
            ),
            dashboard=Dashboard.COSTS,
            wait=window.wait,
            keep=KEEP,
            labels={"figure": "cost_usd", "window": window.name},
        )


def _usual(window: str) -> str:
    """Return the template of what is usual for the alert's org."""
    return (
        f'{{{{ with printf "max({_COST}_{window}_baseline{{org=%q}})" $labels.org | query }}}}'
        '{{ . | first | value | printf "%.2f" }}{{ else }}?{{ end }}'
    )
