"""Alerts on engagement: a measure below its expected range, or 0 where the range is above 0.

The exporter computes the expected range of every measure (docs/expected-ranges.md), so an alert
compares two gauges. Recording rules give all measures one name and the labels `figure` and
`window`; alerts, dashboards and your own rules use that.
"""

from collections.abc import Callable, Iterator

from deploy.prometheus.rules import (
    HOUR,
    NUMBER,
    REPLICA,
    SEEN,
    Alert,
    Dashboard,
    Expected,
    Group,
    Recording,
    Severity,
)
from exporter import catalog
from exporter.catalog import Metric, Windowed

WAIT = 3 * HOUR
"""The platform may still add to yesterday after midnight."""

KEEP = 6 * HOUR
"""A restart of the exporter, or an API that fails for a while, does not resolve an alert."""

MEASURES: tuple[Windowed, ...] = (
    catalog.ACTIVE_USERS,
    catalog.ENROLLMENTS,
    catalog.VIDEO_COMPLETIONS,
    catalog.CHAT_SESSIONS,
    catalog.AVG_MESSAGES,
    catalog.TIME_SPENT,
    catalog.COMPLETIONS,
    catalog.CONVERSATIONS,
    catalog.AGENT_USERS,
)
"""What counts as engagement.

Not unenrollments and cost, of which fewer is no problem, and not registrations, which an
administrator imports.
"""

WINDOWS = ("1d", "7d")

VALUE = "iblai:engagement"
EXPECTED = "iblai:engagement_expected"
LOW = "iblai:engagement_expected_low"

_GAUGES: dict[str, tuple[str, Callable[[Windowed, str], Metric]]] = {
    VALUE: ("max", Windowed.at),
    EXPECTED: ("max", Windowed.expected_at),
    # Two exporters with the same orgs raise an alert only if both measured a drop.
    LOW: ("min", Windowed.expected_low_at),
}
"""How each record is made: over all replicas, of which gauge."""

Read = Callable[[str, str], str]
"""Returns the expression of a record for a window, or for all windows if that is empty."""


def group() -> Group:
    """Return all rules on engagement. They are one group, since alerts use the recording rules."""
    return Group("iblai-engagement", (*_recordings(), *_alerts()))


def recorded(record: str, window: str) -> str:
    """Return the expression of a record, as the recording rules write it."""
    return f'{record}{{window="{window}"}}' if window else record


def inline(record: str, window: str) -> str:
    """Return the expression of a record where there are no recording rules."""
    if window:
        return f'label_replace({_union(record, window)}, "window", "{window}", "", "")'
    return "(" + "\nor\n".join(inline(record, each) for each in WINDOWS) + ")"


def _recordings() -> Iterator[Recording]:
    for record in _GAUGES:
        for window in WINDOWS:
            yield Recording(record, _union(record, window), {"window": window})


def _union(record: str, window: str) -> str:
    """Return the expression of all measures over a window, with the label `figure`."""
    aggregation, gauge = _GAUGES[record]
    metrics = (
        (measure, gauge(measure, window).name) for measure in MEASURES if window in measure.expected
    )
    union = "\n  or\n".join(
        f'  label_replace(last_over_time({metric}[{SEEN}]), "figure", "{measure.name}", "", "")'
        for measure, metric in metrics
    )
    return f"{aggregation} without ({REPLICA}) (\n{union}\n)"


def _alerts() -> Iterator[Alert]:
    yield Alert(
        name="IblaiEngagementDrop",
        severity=Severity.WARNING,
        when="a measure of yesterday (1d) or of the last 7 days is below its expected range",
        expr=_dropped(recorded),
        inline=_dropped(inline),
        summary="Engagement is below the expected range.",
        description=(
            f"{{{{ $labels.org }}}}: {_WORDS} "
            '{{ if eq $labels.window "1d" }}yesterday{{ else }}in the last 7 days{{ end }}: '
            f"{_number('$value')}, which is below the expected range."
        ),
        expected=Expected(
            selector=f"{EXPECTED}{{%s}}",
            expr=inline(EXPECTED, ""),
            number=_number(NUMBER),
        ),
        dashboard=Dashboard.DROP,
        wait=WAIT,
        keep=KEEP,
    )
    yield Alert(
        name="IblaiEngagementSilent",
        severity=Severity.CRITICAL,
        when="a measure of yesterday is 0, and its expected range is above 0",
        expr=f"max without (window) ({_silent(recorded)})",
        inline=f"max without (window) ({_silent(inline)})",
        summary="A measure of engagement is 0.",
        description=(
            f"{{{{ $labels.org }}}}: {_WORDS} yesterday: 0, which is below the expected range."
        ),
        expected=Expected(
            selector=f'{EXPECTED}{{window="1d",%s}}',
            expr=f"max without (window) ({inline(EXPECTED, '1d')})",
            number=_number(NUMBER),
        ),
        dashboard=Dashboard.SILENT,
        wait=WAIT,
        keep=KEEP,
    )


def _dropped(read: Read) -> str:
    """Return what is below its expected range, unless it is reported as silent."""
    return f"{read(VALUE, '')} < {read(LOW, '')}\nunless ignoring (window)\n({_silent(read)})"


def _silent(read: Read) -> str:
    return f"{read(VALUE, '1d')} == 0 and {read(LOW, '1d')} > 0"


_WORDS = '{{ reReplaceAll "_" " " $labels.figure }}'


def _number(number: str) -> str:
    """Return the template of a value of the alert's measure."""
    return (
        f'{{{{ if eq $labels.figure "{catalog.TIME_SPENT.name}" }}}}'
        f"{{{{ humanizeDuration {number} }}}}"
        f'{{{{ else if eq $labels.figure "{catalog.AVG_MESSAGES.name}" }}}}'
        f'{{{{ printf "%.1f" {number} }}}}'
        f'{{{{ else }}}}{{{{ printf "%.0f" {number} }}}}{{{{ end }}}}'
    )
