"""Exporter health: for the person on call."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from exporter.catalog import Metric
from grafana import links, promql, shared, style, traffic, variables
from grafana.board import Board, Line, Row
from grafana.looks import COLORED_TEXT, Column, Curve, Look, Part
from grafana.panels import Chart, grid, numbers, unbridged
from grafana.promql import TARGET
from grafana.traffic import WHERE

ROWS = 100
FEW = 10
PER_COLLECTOR = ("org", "collector")
BY_INSTANCE = "{{instance}}"
NUMBER = Look(unit=style.COUNT, decimals=0)
BAD = Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD)


def board() -> Board:
    """Return the dashboard."""
    return Board(
        uid=links.HEALTH,
        description="Whether the exporter works: data age, the API, and its own process.",
        since="now-6h",
        variables=[variables.job(), variables.instance(), variables.org()],
        marks=_alerts_begin(),
        choose_source=False,
        rows=[
            Row(
                title="Status",
                lines=(
                    Line(
                        height=3,
                        panels=shared.data_quality(where=WHERE),
                        widths=(5, 5, 4, 5, 5),
                    ),
                    Line(height=3, panels=_process_now()),
                ),
            ),
            Row(
                title="Problems",
                lines=(
                    Line(height=8, panels=(shared.firing_alerts(), _failing()), widths=(15, 9)),
                ),
            ),
            Row(
                title="Data age by collector",
                lines=(Line(height=11, panels=(_collectors(),)),),
            ),
            Row(
                title="Polling",
                lines=(
                    Line(height=8, panels=(_stretch(), _missed())),
                    Line(height=9, panels=(_durations(), _window_age())),
                    Line(height=7, panels=(_generations(), _items())),
                ),
                collapsed=True,
            ),
            Row(
                title="The API",
                lines=(
                    Line(height=8, panels=(traffic.requests(), traffic.errors())),
                    Line(height=9, panels=(traffic.latency(), traffic.slowest())),
                    Line(height=8, panels=(traffic.slowed(), traffic.unread(), traffic.dropped())),
                ),
                collapsed=True,
            ),
            Row(
                title="The process",
                lines=(
                    Line(height=8, panels=(_series(), _memory(), _cpu())),
                    Line(height=8, panels=(_lag(), _descriptors(), _scrapes())),
                    Line(height=5, panels=(_builds(),)),
                ),
                collapsed=True,
            ),
        ],
    )


def _alerts_begin() -> str:
    """Return the alerts on the exporter, the API and costs where they begin to fire."""
    firing = f'{{{shared.OPERATIONAL}, alertstate="firing", {shared.OF_ORG}}}'
    by = "max by (alertname)"
    fires = f"{by} (ALERTS{firing})"
    return f"({promql.in_steps(fires)}) unless ({fires})"


def _each(name: str | Metric) -> str:
    return promql.one(name, "instance", where=TARGET)


def _least(metric: Metric) -> str:
    return f"min by (instance) ({metric.name}{{{TARGET}}})"


def _process_now() -> tuple[Panel, ...]:
    failed = promql.counted(catalog.API_REQUESTS, where=f'{WHERE}, code!~"2.."', window="1h")
    sent = promql.counted(catalog.API_REQUESTS, where=WHERE, window="1h")
    loaded = (catalog.RELOAD_SUCCESSFUL, catalog.WEB_RELOAD_SUCCESSFUL)
    reloads = " or ".join(
        f'label_replace({_least(metric)}, "file", "{place}", "", "")'
        for place, metric in enumerate(loaded)
    )
    state = f"max by (instance, reason) (increase({catalog.STATE_ERRORS.name}{{{TARGET}}}[1h]))"
    return (
        numbers(
            "Targets down",
            "Instances of the exporter that Prometheus cannot scrape.",
            Part(expr=f"sum({_each('up')} == bool 0)", name="down"),
            look=BAD,
        ),
        numbers(
            "API errors",
            "Share of requests to the API without a 2xx status in the last hour.",
            Part(expr=f"({failed} or vector(0)) / ({sent} > 0)", name="failing"),
            look=Look(unit=style.SHARE, decimals=1, thresholds=style.SOME_ERRORS),
        ),
        numbers(
            "Polling stretch",
            "Factor by which polling intervals are stretched; 1 is on schedule.",
            Part(expr=f"max({_each(catalog.SCHEDULE_STRETCH)})", name="stretch"),
            look=Look(
                unit=style.NUMBER,
                decimals=1,
                thresholds=style.steps(style.GOOD, (1.1, style.WATCH), (2, style.BAD)),
            ),
        ),
        numbers(
            "Last reload",
            "Whether every exporter uses the configuration that it was last given.",
            Part(expr=f"min({reloads})", name="reload"),
            look=Look(
                unit="none",
                thresholds=style.steps(style.BAD, (1, style.GOOD)),
                mappings=tuple(style.labels({"0": ("failed", style.BAD), "1": ("OK", style.GOOD)})),
            ),
        ),
        numbers(
            "State errors",
            "Problems with the state file in the last hour.",
            Part(expr=f"round(sum({state}))", name="errors"),
            look=BAD,
        ),
        numbers(
            "Memory",
            "Resident memory of the largest exporter.",
            Part(expr=f"max({_each('process_resident_memory_bytes')})", name="memory"),
            look=Look(unit=style.BYTES, decimals=0, color=style.PLAIN),
        ),
    )


def _collectors() -> Panel:
    success, attempt, duration, items, series = (
        promql.one(metric, *PER_COLLECTOR, where=WHERE)
        for metric in (
            catalog.COLLECTOR_SUCCESS,
            catalog.COLLECTOR_LAST_ATTEMPT,
            catalog.COLLECTOR_DURATION,
            catalog.COLLECTOR_ITEMS_FAILED,
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
            "0": ("failing", style.BAD),
            "1": ("OK", style.GOOD),
            "2": ("not yet polled", style.GRAY),
        }
    )
    org = links.down(links.ORG, "Open the org", org="org")
    seconds = Look(unit=style.SECONDS, decimals=0)
    return grid(
        "Collectors",
        f"The {ROWS} collectors most in need of attention: failing, never successful, then the "
        "oldest data. Data age is the time since the last success.",
        Column(title="Org", label="org", look=Look(links=(org,)), at_least=120),
        Column(title="Collector", label="collector", at_least=170),
        Column(
            title="Last attempt",
            expr=of_those(f"{success} + 2 * ({attempt} == bool 0)"),
            look=Look(unit="none", mappings=tuple(states)),
            cell=COLORED_TEXT,
            width=125,
        ),
        Column(
            title="Data age",
            expr=of_those(age),
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
            cell=COLORED_TEXT,
            width=105,
        ),
        Column(
            title="Attempted",
            expr=of_those(f"time() - ({attempt} > 0)"),
            look=seconds,
            width=112,
        ),
        Column(
            title="Duration",
            expr=of_those(duration),
            look=Look(unit=style.SECONDS, decimals=1),
            width=105,
        ),
        Column(title="Items failing", expr=of_those(items), look=NUMBER, width=128),
        Column(title="Series", expr=of_those(series), look=NUMBER, width=90),
        Column(title="Trouble", expr=trouble, hidden=True),
        sort="Trouble",
        descending=True,
        limit=ROWS,
    )


def _failing() -> Panel:
    return unbridged(
        "Orgs failing by collector",
        "Orgs for which a collector failed at its last attempt. One collector for many orgs points "
        "at the platform, many collectors for one org at its key.",
        Curve(expr=f"sum by (collector) ({promql.failing(where=WHERE)}) > 0", name="{{collector}}"),
        look=Look(unit=style.COUNT, decimals=0, nothing="No collector failing"),
        legend=LegendPlacement.RIGHT,
        stacked=True,
        at_least=1,
    )


def _stretch() -> Panel:
    return unbridged(
        "Polling stretch over time",
        "Factor by which polling intervals are stretched because demand exceeds the API's limits.",
        Curve(expr=_each(catalog.SCHEDULE_STRETCH), name=BY_INSTANCE),
        look=Look(unit=style.NUMBER, decimals=1),
        at_least=2,
    )


def _missed() -> Panel:
    rate = f"rate({catalog.MISSED_RUNS.name}{{{TARGET}}}[$__rate_interval])"
    return unbridged(
        "Missed runs per hour",
        catalog.MISSED_RUNS.help,
        Curve(expr=promql.per_hour(f"max by (instance) ({rate})"), name=BY_INSTANCE),
        look=NUMBER,
        at_least=1,
        smooth=True,
    )


def _durations() -> Panel:
    def duration(at: str) -> str:
        return promql.one(catalog.COLLECTOR_DURATION, "collector", where=WHERE, at=at)

    return unbridged(
        f"Slowest {FEW} collectors",
        "Duration of the last attempt, for the org where it was longest.",
        Curve(expr=promql.largest(FEW, duration, "collector"), name="{{collector}}"),
        look=Look(unit=style.SECONDS, decimals=1),
        legend=LegendPlacement.RIGHT,
    )


def _window_age() -> Panel:
    ends = promql.one(catalog.WINDOW_END, *PER_COLLECTOR, where=WHERE)
    return unbridged(
        "Age of complete days",
        f"Hours since the windows of complete days ended, of the {FEW} collectors furthest behind. "
        "More than 24 means that yesterday is missing.",
        Curve(
            expr=f"topk({FEW}, (time() - min by (collector) ({ends})) / {style.HOUR})",
            name="{{collector}}",
        ),
        look=Look(unit="h", decimals=0),
        legend=LegendPlacement.RIGHT,
    )


def _generations() -> Panel:
    labels = ("org", "collector", "generation")
    return unbridged(
        "Collectors by API generation",
        "Collectors whose values come from the seeds' endpoints, and from the newer family (v2).",
        Curve(
            expr="count by (generation) "
            f"({promql.one(catalog.COLLECTOR_SOURCE_INFO, *labels, where=WHERE)})",
            name="{{generation}}",
        ),
        look=NUMBER,
    )


def _items() -> Panel:
    items = promql.one(catalog.COLLECTOR_ITEMS_FAILED, *PER_COLLECTOR, where=WHERE)
    return unbridged(
        "Items failing by collector",
        "Courses and agents that failed while others succeeded. Their last values are served until "
        "they are stale.",
        Curve(expr=f"sum by (collector) ({items}) > 0", name="{{collector}}"),
        look=Look(unit=style.COUNT, decimals=0, nothing="No items failing"),
        legend=LegendPlacement.RIGHT,
        at_least=1,
    )


def _by_instance(
    title: str, description: str, expression: str, look: Look, *, at_least: float | None = None
) -> Chart:
    curve = Curve(expr=expression, name=BY_INSTANCE)
    return unbridged(title, description, curve, look=look, at_least=at_least)


def _series() -> Panel:
    series = promql.one(catalog.COLLECTOR_SERIES, "instance", *PER_COLLECTOR, where=WHERE)
    return _by_instance(
        "Series served",
        "Series of the orgs' values that each exporter serves.",
        f"sum by (instance) ({series})",
        NUMBER,
    )


def _memory() -> Panel:
    return _by_instance(
        "Memory over time",
        "Resident memory of each exporter.",
        _each("process_resident_memory_bytes"),
        Look(unit=style.BYTES, decimals=0),
    )


def _cpu() -> Panel:
    rate = f"rate(process_cpu_seconds_total{{{TARGET}}}[$__rate_interval])"
    return _by_instance(
        "CPU",
        "Share of one core that each exporter uses.",
        f"max by (instance) ({rate})",
        Look(unit=style.SHARE),
    )


def _lag() -> Panel:
    return _by_instance(
        "Event loop lag, 99th percentile",
        "Delay of the event loop. What blocks it delays scrapes and polls.",
        promql.quantile(0.99, catalog.EVENT_LOOP_LAG, "instance"),
        Look(unit=style.SECONDS),
    )


def _descriptors() -> Panel:
    return _by_instance(
        "Open file descriptors",
        "Files and connections that each exporter holds open, as a share of its limit.",
        f"{_each('process_open_fds')} / {_each('process_max_fds')}",
        Look(unit=style.SHARE),
        at_least=1,
    )


def _scrapes() -> Panel:
    return _by_instance(
        "Duration of scrapes",
        "How long Prometheus takes to scrape each exporter. It never waits for the network.",
        _each("scrape_duration_seconds"),
        Look(unit=style.SECONDS),
    )


def _builds() -> Panel:
    labels = ("instance", "version", "revision", "pythonversion")
    return grid(
        "Versions",
        "Version and uptime of each exporter.",
        Column(title="Instance", label="instance", at_least=200),
        Column(title="Version", label="version", width=110),
        Column(title="Revision", label="revision", width=150),
        Column(title="Python", label="pythonversion", width=110),
        Column(
            title="Uptime",
            expr=f"{promql.one(catalog.BUILD_INFO, *labels, where=TARGET)} * on (instance) "
            f"group_left () (time() - {_each('process_start_time_seconds')})",
            look=Look(unit=style.SECONDS, decimals=0),
            width=130,
        ),
        sort="Uptime",
        limit=ROWS,
    )
