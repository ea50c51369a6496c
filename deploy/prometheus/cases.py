"""Unit tests of the rules: for each alert a case in which it fires, and cases in which it must not.

A case is a set of series, scraped every ten minutes, and the alerts that fire at given hours: all
of them, so an additional alert fails a case as well as a missing one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter import catalog
from exporter.catalog import Windowed

Series = dict[str, str]
Firing = Sequence[str]

STEP = 10
"""Minutes between scrapes."""

PER_HOUR = 60 // STEP
SCRAPE = 1 / PER_HOUR
"""Hours between scrapes."""

GAP = "_"
COLLECTORS = (
    "active_users_today",
    "enrollments",
    "videos",
    "chat",
    "active_users",
    "active_learners",
    "course_videos",
    "course_enrollments",
)
JOB = "iblai"
INSTANCE = 'job="iblai",instance="a:10880"'
OTHER_INSTANCE = 'job="iblai",instance="b:10880"'

_OWN = {
    catalog.BUILD_INFO.name: 1.0,
    "up": 1.0,
    catalog.RELOAD_SUCCESSFUL.name: 1.0,
    catalog.WEB_RELOAD_SUCCESSFUL.name: 1.0,
    catalog.SCHEDULE_STRETCH.name: 1.0,
}
"""What a healthy exporter serves about itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """A set of series, and the alerts that fire: `checks` by hour."""

    name: str
    series: Series
    checks: Mapping[float, Firing]


def steady(value: float | str, *, hours: float) -> str:
    """Return the samples of a value that stays, or of a gap."""
    count = round(hours * PER_HOUR)
    return f"_x{count}" if value == GAP else f"{value}+0x{count - 1}"


def over(*spans: tuple[float | str, float]) -> str:
    """Return the samples of values that follow each other: (value, hours)."""
    return " ".join(steady(value, hours=hours) for value, hours in spans)


def exporter(
    hours: float,
    *,
    org: str = "acme",
    instance: str = INSTANCE,
    collectors: Sequence[str] = COLLECTORS,
    **labels: str,
) -> Series:
    """Return the series of a healthy exporter with one org, without the values of the org."""
    clock = f"0+{60 * STEP}x{round(hours * PER_HOUR) - 1}"
    series = {f"{name}{{{instance}}}": steady(value, hours=hours) for name, value in _OWN.items()}
    where = {"org": org, "instance": instance, **labels}
    series[metric(catalog.UP.name, **where)] = steady(1, hours=hours)
    for collector in collectors:
        series[metric(catalog.COLLECTOR_SUCCESS.name, collector=collector, **where)] = steady(
            1, hours=hours
        )
        for name in (catalog.COLLECTOR_LAST_SUCCESS.name, catalog.COLLECTOR_LAST_ATTEMPT.name):
            series[metric(name, collector=collector, **where)] = clock
    return series


def metric(name: str, *, org: str = "acme", instance: str = INSTANCE, **labels: str) -> str:
    """Return the name of a series of an org."""
    more = "".join(f',{key}="{value}"' for key, value in labels.items())
    return f'{name}{{org="{org}"{more},{instance}}}'


def values(
    measure: Windowed,
    hours: float,
    *,
    of: Mapping[str, str | float],
    **where: str,
) -> Series:
    """Return the series of a measure: `of` has samples, or a value for all `hours`, by suffix.

    A suffix is a window, `1d_expected` or `1d_expected_low`.
    """
    gauges = {
        suffix: gauge.name
        for window in measure.expected
        for suffix, gauge in (
            (window, measure.at(window)),
            (f"{window}_expected", measure.expected_at(window)),
            (f"{window}_expected_low", measure.expected_low_at(window)),
        )
    } | {window: measure.at(window).name for window in measure.windows}
    return {
        metric(gauges[suffix], **where): (
            samples if isinstance(samples, str) else steady(samples, hours=hours)
        )
        for suffix, samples in of.items()
    }


def fires(name: str, severity: str, **labels: str) -> str:
    """Return an alert that fires, as in ALERTS. The label `job` is that of all cases."""
    given = {"job": JOB, **labels}
    more = "".join(f', {key}="{value}"' for key, value in given.items() if value)
    return f'ALERTS{{alertname="{name}", alertstate="firing", severity="{severity}"{more}}}'


def file(cases: Iterable[Case], *, every: int = STEP) -> Mapping[str, Any]:
    """Return a test file of promtool, in which rules are evaluated `every` so many minutes."""
    return {
        "rule_files": ["../iblai-rules.yml"],
        "evaluation_interval": f"{every}m",
        "tests": [_test(case) for case in cases],
    }


def _test(case: Case) -> Mapping[str, Any]:
    return {
        "name": case.name,
        "interval": f"{STEP}m",
        "input_series": [
            {"series": series, "values": samples} for series, samples in case.series.items()
        ],
        "promql_expr_test": [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{round(hour * 60)}m",
                "exp_samples": [{"labels": labels, "value": 1} for labels in firing],
            }
            for hour, firing in case.checks.items()
        ],
    }
