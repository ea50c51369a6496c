"""What a rule is: recordings, alerts and groups of them, before they become YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1}


class Severity(StrEnum):
    """How soon a person should look: now, today, or when there is time."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Dashboard(StrEnum):
    """Where an alert leads: the uid of a dashboard, with the variable that it fills in."""

    ORG = "iblai-org?var-org={{ $labels.org | urlquery }}"
    COSTS = "iblai-costs?var-org={{ $labels.org | urlquery }}"
    HEALTH = "iblai-health"
    HEALTH_OF_ORG = "iblai-health?var-org={{ $labels.org | urlquery }}"
    HEALTH_OF_INSTANCE = "iblai-health?var-instance={{ $labels.instance | urlquery }}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule; `labels` are added to what `expr` gives."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule. Times are seconds.

    `tells` is a line of the reference: when the alert fires. `labels` come on top of severity,
    and of what `expr` gives.
    """

    name: str
    severity: Severity
    tells: str
    expr: str
    summary: str
    description: str
    dashboard: Dashboard
    wait: int
    keep: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


Rule = Recording | Alert


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, each seeing what those before it recorded."""

    name: str
    rules: tuple[Rule, ...]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts among the rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))


def duration(seconds: float) -> str:
    """Write seconds as Prometheus does: `1h30m`, `90ms`."""
    if seconds < 1:
        return f"{max(round(seconds * 1000), 1)}ms"
    text, rest = "", round(seconds)
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text
