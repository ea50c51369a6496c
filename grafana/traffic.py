"""Panels of the traffic with the API, and of unreadable responses."""

from grafana_foundation_sdk.models.common import LegendPlacement
from grafana_foundation_sdk.models.dashboard import Panel

from exporter import catalog
from grafana import promql, style
from grafana.looks import Curve, Look
from grafana.panels import unbridged

STATUSES = (("^2", style.GOOD), ("^4", style.WATCH), ("^[^24]", style.BAD))
"""Colors of statuses, and of what went wrong instead of one."""

FEW = 10
WHERE = f"{promql.TARGET}, {promql.ORG}"
COUNT = Look(unit=style.COUNT, decimals=0)


def requests() -> Panel:
    """Return requests by status; one that never occurred would draw over the others."""
    sent = promql.counted(catalog.API_REQUESTS, "code", where=WHERE)
    return unbridged(
        "Requests to the API by status",
        "Requests sent to the API by HTTP status, or by the kind of failure.",
        Curve(expr=f"{sent} > 0", name="{{code}}"),
        smooth=True,
        look=Look(unit=style.RATE, decimals=2),
        stacked=True,
        tints=STATUSES,
    )


def errors() -> Panel:
    """Return the share of requests that fail."""
    failed = promql.counted(catalog.API_REQUESTS, "org", where=f'{WHERE}, code!~"2.."')
    sent = promql.counted(catalog.API_REQUESTS, "org", where=WHERE)
    return unbridged(
        "Share of requests failing by org",
        f"Share of requests that ended in anything but a 2xx status, in the {FEW} orgs where it is "
        "largest.",
        Curve(expr=f"topk({FEW}, ({failed} > 0) / ({sent} > 0))", name="{{org}}"),
        smooth=True,
        look=Look(unit=style.SHARE, low=0, nothing="No requests failing"),
        at_least=0.05,
        legend=LegendPlacement.RIGHT,
    )


def latency() -> Panel:
    """Return how long requests take."""
    shades = {0.5: "#93C5FD", 0.95: "#3B82F6", 0.99: "#1D4ED8"}
    return unbridged(
        "Latency of the API",
        "Duration of requests to the API, body included, over all endpoints.",
        *(
            Curve(
                expr=promql.quantile(q, catalog.API_REQUEST_DURATION),
                name=f"p{q * 100:.0f}",
                look=Look(color=color),
            )
            for q, color in shades.items()
        ),
        smooth=True,
        look=Look(unit=style.SECONDS),
    )


def slowest() -> Panel:
    """Return how long requests take by endpoint."""
    p95 = promql.quantile(0.95, catalog.API_REQUEST_DURATION, "endpoint")
    return unbridged(
        "Latency by endpoint, 95th percentile",
        f"The {FEW} slowest endpoints, body included. Most are polled once an hour, so lines "
        "bridge gaps.",
        Curve(expr=f"topk({FEW}, {p95} > 0)", name="{{endpoint}}"),
        smooth=True,
        look=Look(unit=style.SECONDS),
        legend=LegendPlacement.RIGHT,
        bridged=2 * style.HOUR,
    )


def slowed() -> Panel:
    """Return rate limits and retries."""
    return unbridged(
        "Rate limits and retries per hour",
        "Rate limit responses, and requests that were retried.",
        Curve(
            expr=promql.per_hour(promql.counted(catalog.API_RATE_LIMITED, where=WHERE)),
            name="rate limited",
            look=Look(color=style.BAD),
        ),
        Curve(
            expr=promql.per_hour(promql.counted(catalog.API_RETRIES, where=WHERE)),
            name="retries",
            look=Look(color=style.WATCH),
        ),
        smooth=True,
        look=COUNT,
        at_least=1,
    )


def unread() -> Panel:
    """Return responses that could not be read."""
    unread = promql.counted(catalog.PAYLOAD_ERRORS, "reason", where=WHERE)
    return unbridged(
        "Unreadable responses per hour",
        "Responses, or rows and days in responses, that could not be read. The rest was used.",
        Curve(expr=f"{promql.per_hour(unread)} > 0", name="{{reason}}"),
        smooth=True,
        look=Look(unit=style.COUNT, decimals=0, nothing="No unreadable responses"),
        at_least=1,
    )


def dropped() -> Panel:
    """Return series that limits withhold."""
    cut = promql.one(catalog.SERIES_DROPPED, "org", "reason", where=WHERE)
    return unbridged(
        "Series not served",
        "Series that exceed series_limit or are below min_group_size.",
        Curve(expr=f"sum by (reason) ({cut})", name="{{reason}}"),
        look=COUNT,
        at_least=1,
    )
