"""`check --live`: calls each collector of each org once, and prints the results."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from exporter import collectors
from exporter.check.attempts import Attempt, Attempts, for_each
from exporter.check.extras import Extra, by_org, extras_of, trial_of, try_extras
from exporter.check.plan import Plan, make_plan
from exporter.check.platform import GONE, UNKNOWN, Platform, examine
from exporter.check.report import amount, echo, print_plan
from exporter.clock import Clock, SystemClock
from exporter.settings import Org, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    """The results of collectors that are on, and of extras that are off (`tried`)."""

    results: list[Attempt]
    tried: list[Attempt]
    plan: Plan
    courses: int
    platforms: Mapping[str, Platform]


async def check_live(settings: Settings, console: Console, *, clock: Clock | None = None) -> bool:
    """Collect everything once, print results and plan, and return whether everything succeeded.

    A collector that the deployment does not offer is no failure.
    """
    live = await _collect(settings, clock or SystemClock(), console)
    console.print(_table(live.results))
    echo(console, _summary(live))
    print_plan(live.plan, settings, console, counted=True)
    echo(console, "Platform", style="italic")
    results, tried = by_org(live.results), by_org(live.tried)
    for org in settings.orgs:
        extras = extras_of(org, [*results.get(org.key, []), *tried.get(org.key, [])])
        _print_platform(org, live.platforms.get(org.key), extras, console)
    failed = any(not result.success and not result.absent for result in live.results)
    wrong = any(_contradicts(org, live.platforms.get(org.key)) for org in settings.orgs)
    return live.plan.fits and not failed and not wrong


async def _collect(settings: Settings, clock: Clock, console: Console) -> _Live:
    trial = trial_of(settings)
    steps = len(settings.orgs)
    steps += sum(len(collectors.of(org)) for org in (*settings.orgs, *trial.orgs))
    platforms: dict[str, Platform] = {}
    attempts = Attempts(settings, clock)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("collecting", total=steps)

        def done() -> None:
            progress.advance(bar)

        async def examine_org(org: Org) -> None:
            if org.key in up:
                platforms[org.key] = await examine(attempts, org, page_size=settings.api.page_size)
            done()

        try:
            results = await attempts.run(done)
            # Counted before the requests of `examine`, which make series of their own.
            plan = _counted_plan(settings, attempts)
            tried = await try_extras(trial, clock, done=done)
            # An org of which everything is gone may have the other generation of the API.
            up = {result.org for result in results if result.success or result.status in GONE}
            await for_each(settings.orgs, examine_org)
        finally:
            await attempts.close()
    courses = sum(attempts.known_courses(org) for org in settings.orgs)
    return _Live(results=results, tried=tried, plan=plan, courses=courses, platforms=platforms)


def _counted_plan(settings: Settings, attempts: Attempts) -> Plan:
    """Return the plan with the courses and series that were counted."""
    plan = make_plan(settings, attempts.sizes())
    series = attempts.series()
    orgs = tuple(replace(each, series=series[each.org.key]) for each in plan.orgs)
    return replace(plan, orgs=orgs, process_series=attempts.process_series())


def _table(results: list[Attempt]) -> Table:
    table = Table(title="Live", title_justify="left")
    for heading in ("org", "collector"):
        table.add_column(heading, overflow="fold")
    for heading in ("status", "time", "series"):
        table.add_column(heading, justify="right")
    table.add_column("error", overflow="fold")
    for result in results:
        table.add_row(
            result.org,
            result.collector.name,
            result.status or "not sent",
            f"{result.seconds:.2f} s",
            f"{result.series:,}",
            result.error,
            style="" if result.success else "dim" if result.absent else "red",
        )
    return table


def _summary(live: _Live) -> str:
    absent = sum(result.absent for result in live.results)
    succeeded = sum(result.success for result in live.results)
    text = (
        f"{amount(len(live.plan.orgs), 'org')}, {amount(live.courses, 'course')}, "
        f"{live.plan.series:,} series; "
        f"{succeeded:,} of {len(live.results) - absent:,} collectors succeeded"
    )
    return f"{text}, and {absent:,} are not offered." if absent else f"{text}."


def _contradicts(org: Org, platform: Platform | None) -> bool:
    """Return whether the platform certainly includes or excludes `end_date` unlike the setting."""
    return platform is not None and platform.range_end not in {None, org.range_end}


def _print_platform(
    org: Org, platform: Platform | None, extras: list[Extra], console: Console
) -> None:
    """Print what is known about the platform of one org."""
    echo(console, f"{org.key}:")
    if platform is None:
        echo(console, f"  {UNKNOWN}: no collector succeeded", style="yellow")
        return
    echo(console, f"  API generation: {platform.generation}")
    for line in _extras_lines(extras):
        echo(console, f"  {line}")
    echo(console, f"  time zone: {platform.time_zone}")
    echo(
        console,
        f"  end of ranges: {_range_end_text(org, platform)}",
        style="red" if _contradicts(org, platform) else "",
    )
    echo(console, f"  main platform: {_main_platform_text(org, platform)}")


def _extras_lines(extras: list[Extra]) -> list[str]:
    """Return which extras are on and offered, and how to turn on the others."""
    on = [extra.name for extra in extras if extra.on]
    lines = [f"extras on: {', '.join(on) or 'none'}"]
    offered = [extra for extra in extras if extra.offered and not extra.on]
    if offered:
        names = ", ".join([*on, *(extra.name for extra in offered)])
        parts = ", ".join(f"{e.name} {e.succeeded} of {e.collectors} collectors" for e in offered)
        lines.append(f"extras that can be switched on: extras: [{names}] ({parts})")
    if absent := [extra.name for extra in extras if extra.offered is False]:
        lines.append(f"extras not offered, or without access for this key: {', '.join(absent)}")
    if unknown := [extra.name for extra in extras if extra.offered is None]:
        lines.append(f"extras that may be offered ({UNKNOWN}): {', '.join(unknown)}")
    return lines


def _range_end_text(org: Org, platform: Platform) -> str:
    if platform.range_end is None:
        return f"{UNKNOWN} (range_end: {org.range_end})"
    if _contradicts(org, platform):
        return (
            f"the API counts end_date as {platform.range_end}; set range_end: "
            f"{platform.range_end} (it is {org.range_end})"
        )
    return f"{platform.range_end}, as configured"


def _main_platform_text(org: Org, platform: Platform) -> str:
    if platform.main_platform is None:
        return UNKNOWN
    included, excluded = platform.main_platform
    if included == excluded:
        return f"no difference ({included:,.0f} active users in 7 days)"
    setting = str(org.include_main_platform).lower()
    return (
        f"{included:,.0f} active users in 7 days with it, {excluded:,.0f} without "
        f"(include_main_platform: {setting})"
    )
