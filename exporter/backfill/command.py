"""The command `backfill`: its options, and what it does with them."""

import asyncio
import re
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console

from exporter import collectors, logs
from exporter.api.client import ApiClient
from exporter.api.hosts import Hosts
from exporter.backfill.estimate import Estimate, estimate, size_of
from exporter.backfill.job import Job, last_sample
from exporter.backfill.record import Record, StateError
from exporter.backfill.report import Progress, print_plan, print_result
from exporter.backfill.run import Backfill, resume
from exporter.check.series import assumed_size
from exporter.clock import SystemClock
from exporter.commands.options import config_option, given
from exporter.commands.running import EXIT_FAILED, or_exit, run
from exporter.commands.screen import screen
from exporter.history.series import MAX_DAYS
from exporter.settings import Org, Settings, load
from exporter.settings.fields import RESERVED_LABELS
from exporter.settings.units import duration
from exporter.windows import local_date

DEFAULT_STEP = "5m"
"""The longest without gaps: Prometheus looks back five minutes for a sample."""

MOST_DAYS = MAX_DAYS - 365
"""Days of one backfill, so that the history before them fits."""

_SHORTEST, _LONGEST = 15, 86400
_RESERVED = RESERVED_LABELS - {"job", "instance"}
_DATE = click.DateTime(formats=["%Y-%m-%d"])


def _seconds(_: click.Context, __: click.Parameter, text: str) -> int:
    try:
        seconds = duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if seconds != int(seconds) or not _SHORTEST <= seconds <= _LONGEST:
        raise click.BadParameter("must be whole seconds, from 15s to 1d")
    return int(seconds)


def _labels(_: click.Context, __: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    labels = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as job=iblai")
        if name in _RESERVED or name.startswith("__"):
            raise click.BadParameter(f"{name} is a label that the metrics have themselves")
        labels[name] = value
    return labels


@click.command()
@config_option
@click.option(
    "--start",
    type=_DATE,
    required=True,
    metavar="YYYY-MM-DD",
    help="First day, in each org's time zone.",
)
@click.option(
    "--end",
    type=_DATE,
    metavar="YYYY-MM-DD",
    help="Last day. Today is written until 3 hours ago; later samples are left to live scrapes.  "
    "[default: today]",
)
@click.option(
    "--output",
    type=click.Path(),
    required=True,
    metavar="FILE|DIR",
    help="One file, or with a slash at the end (or an existing directory) one file for each day.",
)
@click.option(
    "--step",
    callback=_seconds,
    default=DEFAULT_STEP,
    show_default=True,
    metavar="DURATION",
    help="Time between samples. A longer one needs less space and leaves gaps in charts.",
)
@click.option(
    "--label",
    "labels",
    callback=_labels,
    multiple=True,
    metavar="NAME=VALUE",
    help="Label of every series, as in your scrapes: job=iblai, instance=localhost:10880.",
)
@click.option("--org", "only", multiple=True, metavar="KEY", help="Only these orgs.")
@click.option("--dry-run", is_flag=True, help="Print the plan and write nothing.")
@click.option(
    "--courses",
    type=click.IntRange(0, 100_000),
    help="Courses per org in the plan, instead of a request that counts them.",
)
@click.option(
    "--api.rate-limit",
    "--rate-limit",
    "api__rate_limit",
    metavar="NUMBER",
    help="Requests to one host per second.  [env var: IBLAI_API__RATE_LIMIT; default: 20]",
)
def backfill(
    config: Path | None,
    *,
    start: datetime,
    end: datetime | None,
    output: str,
    step: int,
    labels: dict[str, str],
    only: tuple[str, ...],
    dry_run: bool,
    courses: int | None,
    api__rate_limit: str | None,
) -> None:
    """Write history as OpenMetrics, from which promtool creates blocks.

    It writes the gauges that the exporter would have served on the days from --start to --end.
    An interrupted backfill continues if it is started again with the same options.

    \b
    iblai-exporter backfill -c iblai.yml --start 2025-09-01 --end 2026-06-30 --output history/
    """
    settings = _settings(config, {"api__rate_limit": api__rate_limit}, only)
    logs.configure(level="error", form="logfmt")
    job = Job(
        orgs=settings.orgs,
        start=start.date(),
        end=_last_day(start.date(), end.date() if end else None, settings),
        step=step,
        until=last_sample(SystemClock().now(), step=step),
        output=Path(output),
        directory=output.endswith("/") or Path(output).is_dir(),
        labels=labels,
    )
    with ExitStack() as stack:
        try:
            record = None
            if not dry_run:
                _create_directory(job)
                record = stack.enter_context(Record(job.state))
                job = resume(job, record, end_given=end is not None)
            complete = run(_run(job, settings, record, courses=courses))
        except StateError as error:
            _fail(str(error))
        except OSError as error:
            _fail(f"{job.output}: {error.strerror}.")
    sys.exit(0 if complete else EXIT_FAILED)


async def _run(job: Job, settings: Settings, record: Record | None, *, courses: int | None) -> bool:
    """Print the plan, and unless it is a dry run do it; return whether nothing is missing."""
    clock, console = SystemClock(), screen()
    progress = Progress(Console(stderr=True))
    # A backfill requests slots without queuing collections: there is nothing to start.
    hosts = Hosts(settings.api, start=lambda _: None, now=clock.monotonic)
    api = ApiClient(settings.api, progress, clock, hosts)
    try:
        estimates = await _estimates(job, api, courses=courses)
        print_plan(console, job, estimates, rate=settings.api.rate_limit)
        if record is None:
            return True
        total = sum(estimates.values(), Estimate())
        work = Backfill(
            job,
            api=api,
            record=record,
            clock=clock,
            reporter=progress,
            page_size=settings.api.page_size,
        )
        with progress.of(requests=total.requests, files=len(job.files())):
            await work.collect()
            work.write()
    finally:
        await api.aclose()
    return print_result(console, job, work, requests=progress.requests)


async def _estimates(job: Job, api: ApiClient, *, courses: int | None) -> dict[str, Estimate]:
    async def of(org: Org) -> Estimate:
        days = job.days(org.zone)
        if days is None:
            return Estimate()
        known = None if courses is None else assumed_size(org, courses=courses)
        size = known or await size_of(api, org)
        return estimate(job.labeled(org), days, size, step=job.step)

    found = await asyncio.gather(*(of(org) for org in job.orgs))
    return {org.key: each for org, each in zip(job.orgs, found, strict=True)}


def _last_day(start: date, end: date | None, settings: Settings) -> date:
    today = max(local_date(SystemClock().now(), org.zone) for org in settings.orgs)
    last = end or today
    if last > today:
        raise click.UsageError(f"--end {last} is in the future; leave it out for today")
    if start > last:
        raise click.UsageError(f"--start {start} is after --end {last}")
    if (last - start).days >= MOST_DAYS:
        raise click.UsageError(f"--start {start} is more than {MOST_DAYS:,} days before --end")
    return last


def _create_directory(job: Job) -> None:
    """Create the directory of the output, unless files of another origin are there."""
    if not job.state.exists() and job.outputs():
        raise click.UsageError(f"{job.output} exists already; remove it, or choose another output")
    directory = job.output if job.directory else job.output.parent
    directory.mkdir(parents=True, exist_ok=True)


def _fail(text: str) -> NoReturn:
    again = "What was collected is kept: run the same command again."
    raise click.ClickException(f"{text} {again}") from None


def _settings(config: Path | None, flags: dict[str, Any], only: tuple[str, ...]) -> Settings:
    settings = or_exit(partial(load, config, flags=given(flags), known_collectors=collectors.NAMES))
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    if unknown := set(only) - {org.key for org in settings.orgs}:
        raise click.UsageError(f"there is no org {', '.join(sorted(unknown))} in the configuration")
    if not only:
        return settings
    return replace(settings, orgs=tuple(org for org in settings.orgs if org.key in only))
