"""Prints a plan: orgs, collectors, requests, series, and the limits of hosts."""

from collections.abc import Iterable
from itertools import islice

from rich.console import Console
from rich.table import Table

from exporter import collectors
from exporter.check.plan import HostPlan, Plan
from exporter.check.series import ASSUMED_MENTORS, ASSUMED_PARTS
from exporter.settings import Settings

MAX_ROWS = 50
"""Orgs with a row of their own."""

_NAMED = 3


def print_plan(plan: Plan, settings: Settings, console: Console, *, counted: bool) -> None:
    """Print a plan; `counted` says that its courses and series were counted, not assumed."""
    console.print(_orgs_table(plan))
    if not counted:
        console.print(_collectors_table(plan))
    echo(console, _basis(plan, counted=counted))
    for warning in settings.warnings:
        echo(console, f"warning: {warning}", style="yellow")
    for host in plan.hosts:
        _print_host(host, console)


def echo(console: Console, text: str, *, style: str = "") -> None:
    """Print text as it is, without markup."""
    console.print(text, style=style or None, markup=False, highlight=False)


def amount(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(names: Iterable[str]) -> str:
    """Return the first names, and how many more there are."""
    known = list(names)
    more = len(known) - _NAMED
    return ", ".join(known[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _orgs_table(plan: Plan) -> Table:
    table = Table("org", "time zone", title="Plan", title_justify="left")
    for heading in ("collectors", "courses", "requests/h", "once", "series"):
        table.add_column(heading, justify="right")
    for each in islice(plan.orgs, MAX_ROWS):
        table.add_row(
            each.org.key,
            each.org.timezone,
            str(len(each.requests)),
            f"{each.size.courses:,}",
            f"{each.requests_per_hour:,.0f}",
            f"{each.requests_once:,}",
            f"{each.series.total:,}",
        )
    if len(plan.orgs) > MAX_ROWS:
        table.add_row(f"and {len(plan.orgs) - MAX_ROWS:,} more", *[""] * 6)
    table.add_row("the exporter's process", *[""] * 5, f"{plan.process_series:,}")
    table.add_section()
    table.add_row(
        amount(len(plan.orgs), "org"),
        *[""] * 3,
        f"{plan.requests_per_hour:,.0f}",
        f"{plan.requests_once:,}",
        f"{plan.series:,}",
        style="bold",
    )
    return table


def _collectors_table(plan: Plan) -> Table:
    table = Table("collector", "collects", title="Collectors", title_justify="left")
    for heading in ("orgs", "requests/h"):
        table.add_column(heading, justify="right")
    known = plan.by_collector()
    for collector in collectors.COLLECTORS:
        orgs, requests = known.get(collector.name, (0, 0.0))
        row = (collector.name, collector.about, f"{orgs:,}", f"{requests:,.0f}")
        table.add_row(*row, style="" if orgs else "dim")
    return table


def _basis(plan: Plan, *, counted: bool) -> str:
    """Return what the numbers are based on."""
    texts = [f"/metrics has {'' if counted else 'about '}{plan.series:,} series."]
    if plan.uncertain:
        texts.append(
            f"At most {plan.series + plan.uncertain:,}, depending on how many topics, models, "
            f"providers and agents have data: {ASSUMED_PARTS} of each are assumed."
        )
    if not counted:
        sizes = sorted({each.size.courses for each in plan.orgs})
        assumed = f"{' or '.join(f'{size:,}' for size in sizes)} courses per org"
        if any(each.org.discovers_mentors for each in plan.orgs):
            assumed += f" and {ASSUMED_MENTORS} mentors where all are wanted"
        texts.append(f"Assumed: {assumed}; --live counts them.")
    texts.append("Requests per hour are averaged over a day; once: for the past of a new org.")
    return " ".join(texts)


def _print_host(host: HostPlan, console: Console) -> None:
    k = host.stretch.k
    if k <= 1:
        share = host.demand / host.rate_limit
        echo(console, f"{host.origin}: demand is {share:.0%} of api.rate_limit.")
        return
    text = (
        f"error: {host.origin}: demand is {k:.2f} times what api.rate_limit allows "
        f"({host.demand:.1f} of {host.rate_limit:g} requests per second): all intervals would "
        f"stretch, by {k:.2f} on average. "
    )
    if host.greedy:
        text += (
            f"Most of it comes from {listed(host.greedy)}: lengthen interval and history_interval "
            "there. Or raise "
        )
    else:
        text += (
            "Lengthen interval or history_interval, set courses.enrollments to false, take out "
            "extras, use shards that have their own limit, or raise "
        )
    echo(console, f"{text}api.rate_limit, if the platform permits.", style="red")
