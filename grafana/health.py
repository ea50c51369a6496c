"""Exporter health: made for the person on call."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Metric
from grafana import links, promql, shared, style, traffic, variables
from grafana.board import Board, Line, Row
from grafana.looks import COLOURED_TEXT, Column, Curve, Look, Part
from grafana.panels import grid, numbers, trend
from grafana.promql import TARGET
from grafana.traffic import WHERE

ROWS = 100
FEW = 10
PER_COLLECTOR = ("org", "collector")
BY_INSTANCE = "{{instance}}"


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.HEALTH,
        description="Whether the exporter does its work: freshness, the API, and its own state.",
        since="now-6h",
        variables=[variables.job(), variables.instance(), variables.org()],
        links=[
            links.across(links.OVERVIEW, "org"),
            links.across(links.ORG, "org"),
            links.runbooks(),
        ],
        alerts_where="",
        rows=[
            Row(
                title="Now",
                lines=(
                    Line(
                        height=3,
                        panels=shared.trust(where=WHERE, alerts_where=""),
                        widths=(4, 5, 5, 5, 5),
                    ),
                    Line(height=3, panels=_process_now()),
                ),
            ),
            Row(
                title="What is wrong",
                lines=(Line(height=9, panels=(shared.firing_alerts(where=""), _failing())),),
            ),
            Row(
                title="Freshness",
                lines=(
                    Line(height=12, panels=(_collectors(),)),
                    Line(height=9, panels=(shared.age_by_collector(where=WHERE), _durations())),
                ),
            ),
            Row(
                title="The API",
                lines=(
                    Line(height=9, panels=(traffic.requests(), traffic.errors())),
                    Line(height=9, panels=(traffic.latency(), traffic.slowest())),
                    Line(height=8, panels=(traffic.slowed(), traffic.unread(), traffic.dropped())),
                ),
            ),
            Row(
                title="The exporter",
                lines=(
                    Line(height=8, panels=(_series(), _memory(), _cpu())),
                    Line(height=8, panels=(_missed(), _descriptors(), _scrapes())),
                    Line(height=5, panels=(_builds(),)),
                ),
            ),
        ],
    )


def _each(name: str | Metric) -> str:
    return promql.one(name, "instance", where=TARGET)


def _process_now() -> tuple[Panel, ...]:
    failed = promql.counted(catalog.API_REQUESTS, where=f'{WHERE}, code!~"2.."', window="1h")
    sent = promql.counted(catalog.API_REQUESTS, where=WHERE, window="1h")
    missed = f"max by (instance) (increase({catalog.MISSED_RUNS.name}{{{TARGET}}}[1h]))"
    return (
        numbers(
            "Exporters down",
            "Targets of the chosen jobs that Prometheus cannot scrape.",
            Part(expr=f"sum({_each('up')} == bool 0)", name="down"),
            look=Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD),
        ),
        numbers(
            "Requests failing, last hour",
            "Share of requests to the API that ended in anything but a 2xx status.",
            Part(expr=f"({failed} or vector(0)) / ({sent} > 0)", name="failing"),
            look=Look(unit=style.SHARE, decimals=1, thresholds=style.SOME_ERRORS),
        ),
        numbers(
            "Runs missed, last hour",
            "Runs that were due while the one before was still going, or came an interval late.",
            Part(expr=f"round(sum({missed}))", name="missed"),
            look=Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD),
        ),
        numbers(
            "Last reload",
            "Whether every chosen exporter runs the configuration that it was last given.",
            Part(expr=f"min({_least(catalog.RELOAD_SUCCESSFUL)})", name="reload"),
            look=Look(
                unit="none",
                thresholds=style.steps(style.BAD, (1, style.GOOD)),
                mappings=tuple(
                    style.labels({"0": ("refused", style.BAD), "1": ("good", style.GOOD)})
                ),
            ),
        ),
        numbers(
            "Series served",
            "Series of figures that the exporters serve now; the fullest one, when there are "
            "several.",
            Part(expr=f"max({_served()})", name="series"),
            look=Look(unit=style.COUNT, decimals=0, colour=style.PLAIN),
        ),
        numbers(
            "Memory",
            "Resident memory of the largest chosen exporter.",
            Part(expr=f"max({_each('process_resident_memory_bytes')})", name="memory"),
            look=Look(unit=style.BYTES, decimals=0, colour=style.PLAIN),
        ),
    )


def _least(metric: Metric) -> str:
    return f"min by (instance) ({metric.name}{{{TARGET}}})"


def _served() -> str:
    series = promql.one(catalog.COLLECTOR_SERIES, "instance", *PER_COLLECTOR, where=WHERE)
    return f"sum by (instance) ({series})"


def _collectors() -> Panel:
    success, attempt, duration, series = (
        promql.one(metric, *PER_COLLECTOR, where=WHERE)
        for metric in (
            catalog.COLLECTOR_SUCCESS,
            catalog.COLLECTOR_LAST_ATTEMPT,
            catalog.COLLECTOR_DURATION,
            catalog.COLLECTOR_SERIES,
        )
    )
    age = promql.age(*PER_COLLECTOR, where=WHERE)
    good = promql.one(catalog.COLLECTOR_LAST_SUCCESS, *PER_COLLECTOR, where=WHERE)
    failing = promql.failing(where=WHERE)
    trouble = f"topk({ROWS}, {failing} * 1e9 + ({age} or ({good} == 0) + 1e8))"

    def of_those(expression: str) -> str:
        return f"{expression} and on ({', '.join(PER_COLLECTOR)}) {trouble}"

    states = style.labels(
        {
            "-1": ("not yet", style.USUAL),
            "0": ("failing", style.BAD),
            "1": ("ok", style.GOOD),
        }
    )
    org = links.down(links.ORG, "Open the org", org="org")
    seconds = Look(unit=style.SECONDS, decimals=0)
    return grid(
        "Freshness by org and collector",
        f"The {ROWS} pairs of org and collector most in need of attention: those whose last "
        "attempt failed, then those that never read a good answer, then the oldest. Age is the "
        "time since a good answer was read; without one there is no age.",
        Column(title="Org", label="org", look=Look(links=(org,))),
        Column(title="Collector", label="collector"),
        Column(
            title="Last attempt",
            expr=of_those(f"{success} - ({attempt} == bool 0)"),
            look=Look(unit="none", mappings=tuple(states)),
            cell=COLOURED_TEXT,
            width=120,
        ),
        Column(
            title="Age",
            expr=of_those(age),
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
            cell=COLOURED_TEXT,
            width=120,
        ),
        Column(
            title="Tried",
            expr=of_those(f"time() - ({attempt} > 0)"),
            look=seconds,
            width=120,
        ),
        Column(
            title="Took",
            expr=of_those(duration),
            look=Look(unit=style.SECONDS, decimals=1),
            width=120,
        ),
        Column(
            title="Series",
            expr=of_those(series),
            look=Look(unit=style.COUNT, decimals=0),
            width=100,
        ),
        Column(title="Trouble", expr=trouble, hidden=True),
        sort="Trouble",
        descending=True,
        limit=ROWS,
    )


def _failing() -> Panel:
    return trend(
        "Orgs failing by collector",
        "How many orgs each collector failed for at its last attempt. One collector for many orgs "
        "points at the platform, many collectors for one org at its key.",
        Curve(expr=f"sum by (collector) ({promql.failing(where=WHERE)}) > 0", name="{{collector}}"),
        look=Look(unit=style.COUNT, decimals=0, nothing="no collector failed"),
        legend=LegendPlacement.RIGHT,
        stacked=True,
        at_least=1,
    )


def _durations() -> Panel:
    def took(at: str) -> str:
        return promql.one(catalog.COLLECTOR_DURATION, "collector", where=WHERE, at=at)

    return trend(
        f"Slowest {FEW} collectors",
        f"How long the last attempt of a collector took, for the org where it took longest, of the "
        f"{FEW} that are slowest at the end of the time range.",
        Curve(expr=promql.largest(FEW, took, "collector"), name="{{collector}}"),
        look=Look(unit=style.SECONDS, decimals=1),
        legend=LegendPlacement.RIGHT,
    )


def _series() -> Panel:
    return trend(
        "Series served over time",
        "Series of figures that each exporter serves. Those of an org and a collector are in the "
        "table above.",
        Curve(expr=_served(), name=BY_INSTANCE),
        look=Look(unit=style.COUNT, decimals=0),
    )


def _memory() -> Panel:
    return trend(
        "Memory over time",
        "Resident memory of each exporter's process.",
        Curve(expr=_each("process_resident_memory_bytes"), name=BY_INSTANCE),
        look=Look(unit=style.BYTES, decimals=0),
    )


def _cpu() -> Panel:
    rate = f"rate(process_cpu_seconds_total{{{TARGET}}}[$__rate_interval])"
    return trend(
        "CPU",
        "Share of one core that each exporter's process uses.",
        Curve(expr=f"max by (instance) ({rate})", name=BY_INSTANCE),
        look=Look(unit=style.SHARE),
    )


def _missed() -> Panel:
    rate = f"rate({catalog.MISSED_RUNS.name}{{{TARGET}}}[$__rate_interval])"
    return trend(
        "Missed runs per hour",
        f"{catalog.MISSED_RUNS.help} Anything but zero means the exporter is behind.",
        Curve(expr=promql.per_hour(f"max by (instance) ({rate})"), name=BY_INSTANCE),
        look=Look(unit=style.COUNT, decimals=0),
        at_least=10,
    )


def _descriptors() -> Panel:
    return trend(
        "Open file descriptors",
        "Files and connections that each exporter holds open, as a share of its limit.",
        Curve(expr=f"{_each('process_open_fds')} / {_each('process_max_fds')}", name=BY_INSTANCE),
        look=Look(unit=style.SHARE),
        at_least=1,
    )


def _scrapes() -> Panel:
    return trend(
        "Duration of scrapes",
        "How long Prometheus takes to scrape each exporter. The exporter never waits on the "
        "network for it.",
        Curve(expr=_each("scrape_duration_seconds"), name=BY_INSTANCE),
        look=Look(unit=style.SECONDS),
    )


def _builds() -> Panel:
    labels = ("instance", "version", "pythonversion")
    return grid(
        "Versions",
        "Each chosen exporter, its version, and how long ago it started.",
        Column(title="Instance", label="instance"),
        Column(title="Version", label="version", width=110),
        Column(title="Python", label="pythonversion", width=110),
        Column(
            title="Up for",
            expr=f"{promql.one(catalog.BUILD_INFO, *labels, where=TARGET)} * on (instance) "
            f"group_left () (time() - {_each('process_start_time_seconds')})",
            look=Look(unit=style.SECONDS, decimals=0),
            width=130,
        ),
        sort="Up for",
        limit=ROWS,
    )
