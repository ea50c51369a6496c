"""Unit tests of the rules: for each alert a case that fires, and cases that must not.

A case is a small world of series, scraped every ten minutes, and what fires in it at given
hours: all of it, so that an alert too many fails a case as well as one too few.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.prometheus.drops import SESSIONS, Figure

Series = dict[str, str]
Firing = Sequence[str]

STEP = 10
"""Minutes between scrapes."""

PER_HOUR = 60 // STEP
GAP = "_"
COLLECTORS = (
    "active_users_today",
    "enrollments_today",
    "videos_today",
    "chat_today",
    "active_users",
    "active_learners",
    "enrollments",
    "videos",
    "course_videos",
    "chat",
    "course_enrollments",
)
INSTANCE = 'job="iblai",instance="a:10880"'
OTHER_INSTANCE = 'job="iblai",instance="b:10880"'


@dataclass(frozen=True, slots=True)
class Case:
    """A world, and what fires in it: `checks` by hour."""

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


def world(
    hours: float,
    *,
    org: str = "acme",
    instance: str = INSTANCE,
    drop_ratio: float = 0.4,
    min_baseline: float = 20,
    collectors: Sequence[str] = COLLECTORS,
) -> Series:
    """Return the series of an exporter that is well, with one org and no figures yet."""
    labels = f'{{org="{org}",{instance}}}'
    clock = f"0+{60 * STEP}x{round(hours * PER_HOUR) - 1}"
    series = {
        f"iblai_exporter_build_info{{{instance}}}": steady(1, hours=hours),
        f"up{{{instance}}}": steady(1, hours=hours),
        f"iblai_exporter_config_last_reload_successful{{{instance}}}": steady(1, hours=hours),
        f"iblai_exporter_scheduler_missed_runs_total{{{instance}}}": steady(0, hours=hours),
        f"iblai_up{labels}": steady(1, hours=hours),
        f"iblai_alert_drop_ratio{labels}": steady(drop_ratio, hours=hours),
        f"iblai_alert_min_baseline{labels}": steady(min_baseline, hours=hours),
        f"iblai_alert_quiet_1d{labels}": steady(0, hours=hours),
        f"iblai_alert_quiet_7d{labels}": steady(0, hours=hours),
    }
    for collector in collectors:
        of = f'{{org="{org}",collector="{collector}",{instance}}}'
        series[f"iblai_collector_success{of}"] = steady(1, hours=hours)
        series[f"iblai_collector_last_success_timestamp_seconds{of}"] = clock
        series[f"iblai_collector_last_attempt_timestamp_seconds{of}"] = clock
    return series


def metric(name: str, *, org: str = "acme", instance: str = INSTANCE, **labels: str) -> str:
    """Return the name of a series as `world` has it."""
    more = "".join(f',{key}="{value}"' for key, value in labels.items())
    return f'iblai_{name}{{org="{org}"{more},{instance}}}'


def figures(
    figure: Figure,
    hours: float,
    *,
    day: str | float,
    usual_day: str | float = 100,
    week: str | float = 600,
    usual_week: str | float = 600,
    **where: str,
) -> Series:
    """Return the series of a figure and its baselines; a number stays for all `hours`.

    Numbers are of what is told. An average stands beside ample sessions, as it is judged by them.
    """
    scale = figure.scale
    given: dict[str, str | float] = {
        f"{figure.name}_1d": day,
        f"{figure.name}_1d_baseline": usual_day,
        f"{figure.name}_7d": week,
        f"{figure.name}_7d_baseline": usual_week,
    }
    if figure.spread is None:
        given |= {f"{SESSIONS.name}_{of}": 400 for of in ("1d", "1d_baseline", "7d", "7d_baseline")}
    return {
        metric(name, **where): (
            reading
            if isinstance(reading, str) and " " in reading
            else steady(reading if isinstance(reading, str) else reading * scale, hours=hours)
        )
        for name, reading in given.items()
    }


def drop(figure: Figure, window: str = "1d", *, org: str = "acme") -> str:
    """Return the drop of a figure as ALERTS tells it."""
    return told(f"Iblai{figure.camel}Drop", "warning", org=org, figure=figure.name, window=window)


def collapse(figure: Figure, window: str = "1d", *, org: str = "acme") -> tuple[str, str]:
    """Return the collapse of a figure as ALERTS tells it, and the drop that it also is."""
    name = f"Iblai{figure.camel}Collapse"
    first = told(name, "critical", org=org, figure=figure.name, window=window)
    return first, drop(figure, window, org=org)


def told(name: str, severity: str, **labels: str) -> str:
    """Return an alert as ALERTS tells it."""
    more = "".join(f', {key}="{value}"' for key, value in labels.items())
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
            {"series": series, "values": values} for series, values in case.series.items()
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
