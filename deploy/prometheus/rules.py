"""What a rule is: recording rules, alerts and groups of them, before they become YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SEEN = "15m"
"""How old a sample may be: three scrapes of 5m, or a restart, may fail in between."""

REPLICA = "instance, pod"
"""Labels in which two exporters with the same orgs differ. All other labels stay."""

NUMBER = "$number"
"""Placeholder in the template of an expected value."""

_UNITS = {"d": DAY, "h": HOUR, "m": MINUTE, "s": 1}


class Severity(StrEnum):
    """How soon a person should look: now, today, or when there is time."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Dashboard(StrEnum):
    """Where an alert leads: the uid of a dashboard, with the variables that it sets."""

    DROP = (
        "iblai-org?var-org={{ $labels.org | urlquery }}&var-figure={{ $labels.figure | urlquery }}"
        "&var-window={{ $labels.window | urlquery }}"
    )
    SILENT = (
        "iblai-org?var-org={{ $labels.org | urlquery }}&var-figure={{ $labels.figure | urlquery }}"
        "&var-window=1d"
    )
    COSTS = "iblai-costs?var-org={{ $labels.org | urlquery }}"
    HEALTH = "iblai-health"
    HEALTH_OF_ORG = "iblai-health?var-org={{ $labels.org | urlquery }}"
    HEALTH_OF_INSTANCE = "iblai-health?var-instance={{ $labels.instance | urlquery }}"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording rule; `labels` are added to what `expr` returns."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The expected value beside an alert's own, for its description.

    `selector` has a %s where the matchers of the alert's labels go; `expr` is the same without
    recording rules and for all series. `number` is a template with `NUMBER` for the value.
    """

    selector: str
    expr: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule. Times are seconds.

    `when` is a line of the reference: when the alert fires. `labels` are added to severity and to
    what `expr` returns. `inline` is `expr` without recording rules, if it uses any.
    """

    name: str
    severity: Severity
    when: str
    expr: str
    summary: str
    description: str
    dashboard: Dashboard
    wait: int
    keep: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    inline: str = ""
    expected: Expected | None = None


Rule = Recording | Alert


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, each using what those before it recorded."""

    name: str
    rules: tuple[Rule, ...]

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts among the rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))


def last(metric: str, *, seen: str = SEEN) -> str:
    """Return the expression of the last sample of a metric, the highest of all replicas."""
    return f"max without ({REPLICA}) (last_over_time({metric}[{seen}]))"


def duration(seconds: float) -> str:
    """Write seconds as Prometheus does: `1h30m`, `90ms`."""
    if seconds < 1:
        return f"{max(round(seconds * 1000), 1)}ms"
    text, rest = "", round(seconds)
    for unit, size in _UNITS.items():
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text
