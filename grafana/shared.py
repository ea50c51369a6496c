"""Panels that more than one dashboard shows."""

from collections.abc import Iterable

from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DashboardLink, Panel

from exporter import catalog
from exporter.catalog import Metric
from exporter.collectors import COLLECTORS
from grafana import drops, links, promql, style
from grafana.looks import COLORED_TEXT, Column, Curve, Look, Part
from grafana.panels import Chart, grid, numbers, trend
from grafana.style import Measure

NAME_SIZE = 16
"""Height of texts that stand where a number would."""

HEADROOM = 1.4
"""Range of a sparkline, of its largest value: its line would cross the number."""

WITH_SPARKLINE = 4
"""Grid units of a headline: Grafana draws no sparkline in a lower one on a laptop."""

OF_ORG = 'org=~"$org|"'
"""Alerts of the chosen orgs, and those that are of no org."""

OPERATIONAL = 'alertname=~"Iblai.+", alertname!~"IblaiEngagement.+"'
"""Alerts on the exporter, the API and costs."""

_OF_ALERT = "alertname, org, severity, figure, window"

RANGE = "An alert fires below the shaded range; a mark is where that begins."

MEASURES = {measure.source.name: measure.short for measure in style.ENGAGEMENT}

SEVERITIES = style.labels(
    {"critical": ("critical", style.WORST), "warning": ("warning", style.WATCH)}
    | {"info": ("info", "blue")}
)


def look(measure: Measure, *, colored: bool = True) -> Look:
    """Return how the measure is shown everywhere."""
    color = measure.color if colored else None
    return Look(unit=measure.unit, decimals=measure.decimals, color=color)


def count(color: str = style.PLAIN) -> Look:
    """Return the look of a count."""
    return Look(unit=style.COUNT, decimals=0, color=color)


def headline(measure: Measure, window: str, *ways: DashboardLink) -> Panel:
    """Return the measure over a window beside its change from the expected value.

    The number says how many orgs it includes. The change is never green without all of them.
    """
    change, lacking = promql.change(measure, window), promql.incomplete(measure, window)
    return numbers(
        measure.title,
        f"{measure.meaning} The change is from the expected value, gray where orgs are missing.",
        Part(
            expr=promql.with_orgs(promql.value(measure, window), measure, window),
            name="{{included}} of {{of}} orgs",
            sparkline=True,
        ),
        Part(
            expr=f"({change}) unless ({lacking})",
            name="vs. expected",
            look=Look(unit=style.SHARE, decimals=0, thresholds=style.CHANGE),
        ),
        Part(
            expr=f"({change}) and ({lacking})",
            name="vs. expected",
            look=Look(unit=style.SHARE, decimals=0, color=style.GRAY),
        ),
        Part(
            expr=f"max_over_time(({promql.value(measure, window)})[7d:1d]) * {HEADROOM}",
            name="headroom",
            hidden=True,
        ),
        look=look(measure),
        links=ways,
        text=BigValueTextMode.VALUE_AND_NAME,
        size=24,
    )


def by_window(
    title: str,
    description: str,
    shown: Iterable[tuple[str, str]],
    *,
    look: Look,
    text: BigValueTextMode = BigValueTextMode.VALUE_AND_NAME,
) -> Panel:
    """Return one measure in several windows: their names and expressions."""
    parts = (Part(expr=expression, name=name) for name, expression in shown)
    return numbers(title, description, *parts, look=look, text=text, size=24)


def windows_of(measure: Measure, *windows: str) -> Panel:
    """Return a measure of the catalog in several windows."""
    return by_window(
        measure.title,
        measure.meaning,
        ((style.WINDOWS[window], promql.value(measure, window)) for window in windows),
        look=look(measure),
    )


def vs_expected(*measures: Measure) -> tuple[Panel, ...]:
    """Return measures over time, with the expected range."""
    return tuple(_vs_expected(measure) for measure in measures)


def _vs_expected(measure: Measure) -> Chart:
    alerts = measure in style.ENGAGEMENT
    return trend(
        f"{measure.title} vs. expected",
        f"{measure.meaning} {RANGE if alerts else 'The shaded range is expected.'}",
        *range_of(
            measure.title,
            look(measure),
            promql.value(measure),
            promql.expected_value(measure),
            promql.expected_value(measure, kind=promql.LOW),
            end=style.LOW if alerts else style.BOUND,
        ),
        look=Look(unit=measure.unit, decimals=measure.decimals, nothing=nothing(measure)),
        mark=promql.below(measure) if alerts else "",
    )


def range_of(
    title: str, shown: Look, value: str, expected: str, low: str, *, end: str = style.LOW
) -> tuple[Curve, Curve, Curve]:
    """Return the lines of a value and its expected range."""
    return (
        Curve(expr=value, name=title, look=shown, width=3),
        Curve(
            expr=expected,
            name=style.EXPECTED,
            look=Look(color=style.GRAY),
            dashed=True,
            fill=12,
            fill_down_to=end,
        ),
        Curve(
            expr=low,
            name=end,
            look=Look(color=style.BAD if end == style.LOW else style.GRAY),
            width=1,
        ),
    )


def nothing(measure: Measure) -> str:
    """Return what is said where a measure has no data."""
    group = next(c.group for c in COLLECTORS if c.name == measure.collector)
    return needs(group) if group else style.MISSING


def dropped() -> Panel:
    """Return the table of what is below its expected range, worst first."""
    org = links.down(links.ORG, "Open the org", org="org", figure="figure", window="window")
    share = Look(unit=style.SHARE, decimals=0, thresholds=style.CHANGE)
    worst = f"bottomk({drops.MOST}, {drops.worst()})"

    def listed(expression: str) -> str:
        return f"({expression}) and on ({drops.BY}) {worst}"

    return grid(
        "Orgs needing attention",
        "Metrics below their expected range, largest drop first, and for how long: 7 days at "
        "most. Percentages are changes from the expected value.",
        Column(title="Org", label="org", look=Look(links=(org,)), at_least=150),
        Column(title="Metric", label="metric", at_least=150),
        Column(title="Figure", label="figure", hidden=True),
        Column(title="Window", label="window", hidden=True),
        *(
            Column(
                title=style.WINDOWS[window],
                expr=listed(drops.change(window)),
                look=share,
                cell=COLORED_TEXT,
                at_least=106,
            )
            for window in drops.WINDOWS
        ),
        Column(
            title="For",
            expr=listed(drops.lasting()),
            look=Look(unit=style.SECONDS, decimals=0),
        ),
        Column(
            title="Worst",
            expr=drops.titled(
                f"({worst}) * on ({drops.BY}) group_left (window) ({drops.window_of()})"
            ),
            hidden=True,
        ),
        sort="Worst",
        limit=drops.MOST,
        nothing="None below its range",
        rows=drops.dropped(),
    )


def quality() -> Panel:
    """Return in one panel whether the data is complete and recent."""
    up = promql.one(catalog.UP, "org")
    items = promql.one(catalog.COLLECTOR_ITEMS_FAILED, "org", "collector")
    down = promql.or_zero(f"count({up} == 0)")
    of = promql.count_label("of", f"count({up})")
    return numbers(
        "Data quality",
        "Orgs, collectors and items whose last attempt failed, the time since the oldest success, "
        "and alerts of the exporter's rules.",
        Part(expr=f"{of} * on () group_left () ({down})", name="Orgs failing, of {{of}}"),
        Part(expr=f"sum({promql.failing()})", name="Collectors failing"),
        Part(expr=f"sum({items})", name="Items failing"),
        Part(
            expr=f"max({promql.age('org')})",
            name="Oldest data",
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
        ),
        Part(expr=promql.or_zero(f"count({_firing()})"), name="Alerts firing"),
        look=Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD),
        links=(links.across(links.HEALTH, "org"),),
        text=BigValueTextMode.VALUE_AND_NAME,
        size=18,
        stacked=True,
    )


def data_quality(*, where: str = promql.ORG) -> tuple[Panel, ...]:
    """Return the strip that says whether the data is complete and recent."""
    health = (links.across(links.HEALTH, "org"),) if where == promql.ORG else ()
    up = promql.one(catalog.UP, "org", where=where)
    bad = Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD)
    reporting = promql.or_zero(f"count({up} == 1)")
    return (
        orgs_of(
            "Orgs reporting",
            "Orgs of which a collector succeeded at its last attempt. The last values of others "
            "are shown until they are stale.",
            reporting,
            f"count({up})",
            ways=health,
        ),
        numbers(
            "Collectors failing",
            "Collectors of an org whose last attempt failed.",
            Part(expr=f"sum({promql.failing(where=where)})", name="failing"),
            look=bad,
            links=health,
        ),
        numbers(
            "Items failing",
            "Single courses and agents that failed while others succeeded.",
            Part(
                expr="sum("
                f"{promql.one(catalog.COLLECTOR_ITEMS_FAILED, 'org', 'collector', where=where)})",
                name="items",
            ),
            look=bad,
        ),
        numbers(
            "Oldest data",
            "Time since the last success of the collector that is furthest behind. Complete days "
            "are polled hourly by default.",
            Part(expr=f"max({promql.age('org', where=where)})", name="oldest"),
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
            links=health,
        ),
        numbers(
            "Alerts firing",
            "Alerts of the exporter's rules. They are listed under Exporter health.",
            Part(expr=promql.or_zero(f"count({_firing()})"), name="alerts"),
            look=bad,
            links=health,
        ),
    )


def orgs_of(
    title: str,
    description: str,
    included: str,
    of: str,
    *,
    ways: tuple[DashboardLink, ...] = (),
    nothing: str = style.MISSING,
) -> Panel:
    """Return how many orgs are included, of how many, in words."""
    share = f"({included}) / ({of})"
    texts = (
        f"{promql.count_label('included', included)} * on () group_left (of) "
        f"{promql.count_label('of', of)}"
    )
    return numbers(
        title,
        description,
        Part(
            expr=f"{texts} * on () group_left () ({share})",
            name="{{included}} of {{of}} orgs",
        ),
        look=Look(unit=style.SHARE, decimals=0, thresholds=style.COMPLETE, nothing=nothing),
        links=ways,
        text=BigValueTextMode.NAME,
        size=NAME_SIZE,
    )


def orgs_included(extra: str) -> Panel:
    """Return whether an extra is on, and how to turn it on."""
    collectors = "|".join(c.name for c in COLLECTORS if c.group == extra)
    where = f'{promql.ORG}, collector=~"{collectors}"'
    polled = f"count({promql.one(catalog.COLLECTOR_SUCCESS, 'org', where=where)})"
    return orgs_of(
        "Orgs included",
        f"Orgs whose configuration has extras: [{extra}] and whose platform offers it.",
        polled,
        f"count({promql.per_org(catalog.UP)})",
        nothing=needs(extra),
    )


def needs(extra: str) -> str:
    """Return what a panel without data says where an extra may be off."""
    return f"no data: set extras: [{extra}]"


def _alerts(name: str, *, firing: bool = True) -> str:
    state = 'alertstate="firing"' if firing else ""
    of_exporter = 'alertname=~"Iblai.+"'
    return f"{name}{{{', '.join(filter(None, (of_exporter, OF_ORG, state)))}}}"


def _firing() -> str:
    """Return the alerts that fire, one for all collectors and instances of an org."""
    return f"count by ({_OF_ALERT}) ({_alerts('ALERTS')})"


def firing_alerts() -> Panel:
    """Return the table of alerts that fire now."""
    since = f"max by ({_OF_ALERT}) ({_alerts('ALERTS_FOR_STATE', firing=False)})"
    org = links.down(links.ORG, "Open the org", org="org")
    return grid(
        "Firing alerts",
        "Alerts of the exporter's rules that are firing, newest first. It needs the rules in "
        "Prometheus.",
        Column(
            title="Alert",
            label="alertname",
            look=Look(links=(links.runbooks(),)),
            at_least=170,
        ),
        Column(title="Org", label="org", look=Look(links=(org,)), width=120),
        Column(
            title="Metric", label="figure", look=Look(mappings=(style.texts(MEASURES),)), width=120
        ),
        Column(
            title="Window",
            label="window",
            look=Look(mappings=(style.texts(style.WINDOWS),)),
            width=92,
        ),
        Column(
            title="Severity",
            label="severity",
            look=Look(mappings=tuple(SEVERITIES)),
            cell=COLORED_TEXT,
            width=95,
        ),
        Column(
            title="For",
            expr=f"topk(100, (time() - {since}) and on ({_OF_ALERT}) {_firing()})",
            look=Look(unit=style.SECONDS, decimals=0),
            width=70,
        ),
        sort="For",
        limit=100,
        nothing="No alerts firing",
    )


def per_org_gauge(title: str, description: str, metric: Metric, look: Look) -> Panel:
    """Return a gauge without windows, added up over the chosen orgs."""
    return numbers(
        title, description, Part(expr=promql.total(metric), name=title), look=look, size=24
    )
