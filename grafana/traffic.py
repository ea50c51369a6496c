"""Panels of the traffic with the API, and of what came of it."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from grafana import promql, style
from grafana.looks import Curve, Look
from grafana.panels import POLLS, trend

STATUSES = (("^2", style.GOOD), ("^4", style.WATCH), ("^[^24]", style.BAD))
"""Colours of statuses, and of what went wrong instead of one."""

WHERE = f"{promql.TARGET}, {promql.ORG}"


def requests() -> Panel:
    """Return requests by status; one that nobody had would draw its colour over the others."""
    sent = promql.counted(catalog.API_REQUESTS, "code", where=WHERE)
    return trend(
        "Requests to the API by status",
        "Requests sent to the API by HTTP status, or by what went wrong instead of one.",
        Curve(expr=f"{sent} > 0", name="{{code}}"),
        step=POLLS,
        smooth=True,
        look=Look(unit=style.RATE, decimals=2),
        stacked=True,
        tints=STATUSES,
    )


def errors() -> Panel:
    """Return the share of requests that fail."""
    failed = promql.counted(catalog.API_REQUESTS, "endpoint", where=f'{WHERE}, code!~"2.."')
    sent = promql.counted(catalog.API_REQUESTS, "endpoint", where=WHERE)
    return trend(
        "Share of requests failing by endpoint",
        "Share of requests that ended in anything but a 2xx status. Flat at zero is good.",
        Curve(expr=f"({failed} or {sent} * 0) / ({sent} > 0)", name="{{endpoint}}"),
        step=POLLS,
        smooth=True,
        look=Look(unit=style.SHARE, low=0),
        at_least=0.05,
        legend=LegendPlacement.RIGHT,
    )


def latency() -> Panel:
    """Return how long requests take."""
    shades = {0.5: "#93C5FD", 0.95: "#3B82F6", 0.99: "#1D4ED8"}
    return trend(
        "Latency of the API",
        "Duration of requests to the API, body included, over all endpoints. Estimated from the "
        "histogram's buckets.",
        *(
            Curve(
                expr=promql.quantile(q, catalog.API_REQUEST_DURATION),
                name=f"p{q * 100:.0f}",
                look=Look(colour=colour),
            )
            for q, colour in shades.items()
        ),
        step=POLLS,
        smooth=True,
        look=Look(unit=style.SECONDS),
    )


def slowest() -> Panel:
    """Return how long requests take by endpoint."""
    return trend(
        "Latency by endpoint, 95th percentile",
        "95 of 100 requests to the endpoint were at least this fast, body included. Most endpoints "
        "are asked once an hour: lines reach over the gaps.",
        Curve(
            expr=promql.quantile(0.95, catalog.API_REQUEST_DURATION, "endpoint"),
            name="{{endpoint}}",
        ),
        step=POLLS,
        smooth=True,
        look=Look(unit=style.SECONDS),
        legend=LegendPlacement.RIGHT,
        bridged=2 * style.HOUR,
    )


def slowed() -> Panel:
    """Return rate limits and retries."""
    return trend(
        "Rate limits and retries per hour",
        "Answers that asked to slow down, and requests sent again after a failure.",
        Curve(
            expr=promql.per_hour(promql.counted(catalog.API_RATE_LIMITED, where=WHERE)),
            name="rate limited",
            look=Look(colour=style.BAD),
        ),
        Curve(
            expr=promql.per_hour(promql.counted(catalog.API_RETRIES, where=WHERE)),
            name="retries",
            look=Look(colour=style.WATCH),
        ),
        step=POLLS,
        smooth=True,
        look=Look(unit=style.COUNT, decimals=0),
        at_least=10,
    )


def unread() -> Panel:
    """Return answers that could not be read."""
    unread = promql.counted(catalog.PAYLOAD_ERRORS, "endpoint", "reason", where=WHERE)
    return trend(
        "Unreadable answers per hour",
        "Answers, or rows and days in answers, that could not be read. The rest was used.",
        Curve(
            expr=f"{promql.per_hour(unread)} > 0",
            name="{{endpoint}}: {{reason}}",
        ),
        step=POLLS,
        smooth=True,
        look=Look(unit=style.COUNT, decimals=0, nothing="every answer could be read"),
        at_least=10,
    )


def dropped() -> Panel:
    """Return series cut by limits."""
    cut = promql.counted(catalog.SERIES_DROPPED, "reason", where=WHERE)
    return trend(
        "Series cut by limits per hour",
        "Series left out of snapshots, by the limit that cut them. Raise series_limit or choose "
        "fewer courses.",
        Curve(expr=promql.per_hour(cut), name="{{reason}}"),
        step=POLLS,
        smooth=True,
        look=Look(unit=style.COUNT, decimals=0),
        at_least=10,
    )
