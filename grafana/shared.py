"""Panels that more than one dashboard shows."""

from grafana_foundation_sdk.models.common import BigValueTextMode
from grafana_foundation_sdk.models.dashboard import DashboardLink, Panel

from exporter import catalog
from grafana import links, promql, style
from grafana.looks import COLOURED_TEXT, Column, Curve, Look, Part
from grafana.panels import POLLS, bars, grid, numbers, trend
from grafana.style import Figure

TODAY = ".+_today"
"""The collectors that run every few minutes."""

OLDEST, OLDEST_TODAY = 7, 3
SEVERITIES = style.labels(
    {"critical": ("critical", style.WORST), "warning": ("warning", style.WATCH)}
    | {"info": ("info", "blue")}
)


def look(figure: Figure, *, coloured: bool = True) -> Look:
    """Return how the figure is shown everywhere."""
    colour = figure.colour if coloured else None
    return Look(unit=figure.unit, decimals=figure.decimals, colour=colour)


def headline(figure: Figure, *ways: DashboardLink) -> Panel:
    """Return the figure now, beside its change against the usual."""
    return numbers(
        figure.title,
        f"{figure.meaning} {style.COMPLETE_DAYS} The change is against the usual, of orgs that "
        f"have both. {style.THE_USUAL} {style.CHANGE_COLOURS}",
        Part(expr=promql.value(figure), name="now"),
        Part(
            expr=promql.change(figure),
            name="against usual",
            look=Look(unit=style.SHARE, decimals=0, thresholds=style.CHANGE),
        ),
        look=look(figure),
        links=ways,
        text=BigValueTextMode.VALUE_AND_NAME,
    )


def of_usual() -> Panel:
    """Return bars of what share of its usual each figure reads."""
    return bars(
        "Share of the usual",
        "Each figure that has an alert on a drop, as a share of what it usually reads, over the "
        "chosen orgs together; also of figures too small for an alert. "
        f"{style.COMPLETE_DAYS} {style.THE_USUAL} {style.SHARE_COLOURS}",
        *(Part(expr=f"{promql.change(figure)} + 1", name=figure.title) for figure in style.WATCHED),
        look=Look(unit=style.SHARE, decimals=0, thresholds=style.OF_USUAL, low=0, high=1.5),
    )


def against_usual(*figures: Figure) -> tuple[Panel, ...]:
    """Return figures over time, with the usual and the line under which it is a drop."""
    return tuple(_against_usual(figure) for figure in figures)


def _against_usual(figure: Figure) -> Panel:
    below = "a drop below"
    return trend(
        f"{figure.title} against the usual",
        f"{figure.meaning} {style.COMPLETE_DAYS} {style.THE_USUAL} The shaded band ends where the "
        "alerts call it a drop (drop_ratio of the configuration).",
        Curve(expr=promql.value(figure), name=figure.title, look=look(figure), width=3),
        Curve(
            expr=promql.usual_value(figure),
            name="usual",
            look=Look(colour=style.USUAL),
            dashed=True,
            fill=12,
            fill_down_to=below,
        ),
        Curve(expr=promql.drop_line(figure), name=below, look=Look(colour=style.BAD), width=1),
        look=Look(unit=figure.unit, decimals=figure.decimals),
        step=POLLS,
    )


def firing_alerts(where: str = promql.ORG) -> Panel:
    """Return the table of alerts that fire now."""
    labels = ("alertname", "org", "severity", "window")
    since = (
        f"max by ({', '.join(labels)}) ({promql.alerts('ALERTS_FOR_STATE', state='', where=where)})"
    )
    now = promql.firing(*labels, where=where)
    return grid(
        "Firing alerts",
        "Alerts of the exporter's rules that fire now, the newest first. Window is that of the "
        "figure that dropped. A click on the name opens the runbook. Empty is good, as long as "
        "the rules are loaded.",
        Column(
            title="Alert",
            label="alertname",
            look=Look(links=(links.runbook_of("alertname"),)),
            at_least=180,
        ),
        Column(
            title="Org",
            label="org",
            look=Look(links=(links.down(links.ORG, "Open the org", org="org"),)),
            width=100,
        ),
        Column(title="Window", label="window", width=75),
        Column(
            title="Severity",
            label="severity",
            look=Look(mappings=tuple(SEVERITIES)),
            cell=COLOURED_TEXT,
            width=80,
        ),
        Column(
            title="For",
            expr=f"topk(100, (time() - {since}) and on ({', '.join(labels)}) {now})",
            look=Look(unit=style.SECONDS, decimals=0),
            width=85,
        ),
        sort="For",
        limit=100,
        nothing="no alert fires",
    )


def age_by_collector(where: str = promql.ORG) -> Panel:
    """Return bars of how old the oldest figures of each collector are."""
    return bars(
        "Oldest figures by collector",
        f"Time since each collector last read a good answer, for the org where that is longest; "
        f"the {OLDEST} oldest of complete days, and the {OLDEST_TODAY} of today. A full bar is the "
        "time after which figures are dropped by default: 3 hours, and 15 minutes for those of "
        "today.",
        Part(expr=_oldest(OLDEST, f'{where}, collector!~"{TODAY}"'), name="{{collector}}"),
        Part(
            expr=_oldest(OLDEST_TODAY, f'{where}, collector=~"{TODAY}"'),
            name="{{collector}}",
            look=Look(thresholds=style.AGE_TODAY, high=style.DROPPED_AFTER_TODAY),
        ),
        look=Look(
            unit=style.SECONDS,
            decimals=0,
            thresholds=style.AGE,
            low=0,
            high=style.DROPPED_AFTER,
        ),
        links=(links.across(links.HEALTH, "org"),),
    )


def _oldest(number: int, where: str) -> str:
    return f"sort_desc(topk({number}, {promql.age('collector', where=where)}))"


def trust(*, where: str = promql.ORG, alerts_where: str = promql.ORG) -> tuple[Panel, ...]:
    """Return the strip that says whether the figures can be trusted.

    Alerts have a selector of their own: they carry the org, but no job and no instance.
    """
    health = (links.across(links.HEALTH, "org"),)
    up = promql.one(catalog.UP, "org", where=where)
    bad = Look(unit=style.COUNT, decimals=0, thresholds=style.NONE_IS_GOOD)
    return (
        numbers(
            "Orgs",
            "Orgs that the exporter knows, of those chosen above.",
            Part(expr=f"count({up})", name="orgs"),
            look=Look(unit=style.COUNT, decimals=0, colour=style.PLAIN),
            links=health,
        ),
        numbers(
            "Orgs not reporting",
            "Orgs of which no collector succeeded at its last attempt: wrong key, platform down. "
            "Their last figures are shown for a while, then they vanish.",
            Part(expr=f"sum({up} == bool 0)", name="not reporting"),
            look=bad,
            links=health,
        ),
        numbers(
            "Collectors failing",
            "Pairs of org and collector whose last attempt failed.",
            Part(expr=f"sum({promql.failing(where=where)})", name="failing"),
            look=bad,
            links=health,
        ),
        numbers(
            "Oldest figures",
            "Time since the collector that is furthest behind last read a good answer. Collectors "
            "of complete days run hourly by default, so up to an hour is normal.",
            Part(expr=f"max({promql.age('org', where=where)})", name="oldest"),
            look=Look(unit=style.SECONDS, decimals=0, thresholds=style.AGE),
            links=health,
        ),
        numbers(
            "Alerts",
            "Alerts of the exporter's rules that fire for the chosen orgs.",
            Part(
                expr=promql.or_zero(f"sum({promql.firing('alertname', where=alerts_where)})"),
                name="n",
            ),
            look=bad,
            links=(links.runbooks(),),
        ),
    )
