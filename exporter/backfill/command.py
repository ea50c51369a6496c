"""The command: from options to a job, and what a person sees of it."""

import dataclasses
import re
import sqlite3
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from exporter import collectors, logs
from exporter.api.client import ApiClient
from exporter.api.errors import ApiError
from exporter.backfill.desk import Unanswered
from exporter.backfill.ledger import Ledger, LedgerError
from exporter.backfill.run import SUFFIX, Backfill, Job
from exporter.backfill.showing import Progress, print_end, print_plan
from exporter.clock import SystemClock
from exporter.commands.options import config_option, given
from exporter.commands.running import EXIT_FAILED, or_exit, run
from exporter.commands.screen import screen
from exporter.settings import Settings, load
from exporter.settings.fields import RESERVED_LABELS
from exporter.settings.units import duration
from exporter.windows import local_date

DEFAULT_STEP = "5m"
"""The longest that leaves no gap: Prometheus looks back five minutes for a sample."""

_SHORTEST, _LONGEST = 15, 86400
_SCRAPED = frozenset({"job", "instance"})


class _Day(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a day; write for instance 2026-06-30", param, ctx)


class _Step(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            seconds = duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if seconds != int(seconds) or not _SHORTEST <= seconds <= _LONGEST:
            self.fail("must be whole seconds, from 15s to 1d", param, ctx)
        return int(seconds)


class _Label(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.3 on
    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not equals or not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name):
            self.fail(f"{value!r} is not NAME=VALUE, such as job=iblai", param, ctx)
        if name in RESERVED_LABELS - _SCRAPED or name.startswith("__"):
            self.fail(f"{name} is a label that the metrics have themselves", param, ctx)
        return name, text


@click.command()
@config_option
@click.option("--start", type=_Day(), required=True, help="First day, in each org's time zone.")
@click.option(
    "--end",
    type=_Day(),
    help="Last day. Today counts until 3 hours ago: later samples are left to live scrapes.  "
    "[default: today]",
)
@click.option(
    "--output",
    type=click.Path(),
    required=True,
    metavar="FILE|DIR",
    help="One file, or with a slash at the end (or a directory that exists) a file for each day.",
)
@click.option(
    "--step",
    type=_Step(),
    default=DEFAULT_STEP,
    show_default=True,
    help="Time between samples. A longer one needs less space, and leaves gaps in charts.",
)
@click.option(
    "--label",
    "labels",
    type=_Label(),
    multiple=True,
    metavar="NAME=VALUE",
    help="Label of every series, as your scrapes have it: job=iblai, instance=localhost:10880.",
)
@click.option("--org", "only", multiple=True, metavar="KEY", help="These orgs alone.")
@click.option("--dry-run", is_flag=True, help="Print the plan; write nothing.")
@click.option(
    "--courses",
    type=click.IntRange(0, 100_000),
    help="Plan with so many courses for each org, instead of asking for them.",
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
    start: date,
    end: date | None,
    output: str,
    step: int,
    labels: tuple[tuple[str, str], ...],
    only: tuple[str, ...],
    dry_run: bool,
    courses: int | None,
    api__rate_limit: str | None,
) -> None:
    """Write the past as OpenMetrics, for promtool to make blocks of.

    It writes what the exporter would have shown on the days from --start to --end. Interrupted
    and started again with the same options, it goes on where it was.

    \b
    iblai-exporter backfill -c iblai.yml --start 2025-09-01 --end 2026-06-30 --output history/
    """
    settings = _settings(config, {"api__rate_limit": api__rate_limit}, only)
    logs.configure(level="error", form="logfmt")
    today = max(local_date(SystemClock().now(), org.zone) for org in settings.orgs)
    last = end or today
    if last > today:
        raise click.UsageError(f"--end {last} is yet to come; leave it out for today")
    if start > last:
        raise click.UsageError(f"--start {start} is after --end {last}")
    job = Job(
        orgs=settings.orgs,
        start=start,
        end=last,
        step=step,
        output=Path(output),
        directory=output.endswith("/") or Path(output).is_dir(),
        labels=dict(labels),
    )
    if not dry_run:
        _prepare(job)
    try:
        with Ledger(None if dry_run else job.state) as ledger:
            # Where a run of yesterday goes on, its today is still the end.
            if end is None and "end" in (notes := ledger.notes()):
                job = dataclasses.replace(job, end=date.fromisoformat(notes["end"]))
            good = run(_go(job, settings, ledger, courses=courses, dry_run=dry_run))
    except (LedgerError, ApiError) as error:
        raise click.ClickException(str(error)) from None
    except Unanswered as error:
        raise click.ClickException(f"{error}. What is there is kept: start it again.") from None
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise click.ClickException(
            f"{job.output}: {reason}. What is there is kept: start it again once there is space."
        ) from None
    sys.exit(0 if good else EXIT_FAILED)


async def _go(
    job: Job, settings: Settings, ledger: Ledger, *, courses: int | None, dry_run: bool
) -> bool:
    """Plan, ask and write; return whether there are figures of every org."""
    clock, console = SystemClock(), screen()
    progress = Progress(Console(stderr=True))
    api = ApiClient(settings.api, progress, clock)
    try:
        work = Backfill(job, api=api, ledger=ledger, clock=clock, reporter=progress)
        shares = await work.foresee(courses=courses)
        print_plan(console, job, shares, rate=settings.api.rate_limit)
        if dry_run:
            return True
        with progress.of(days=work.days_left(), files=len(work.files())):
            await work.ask()
            work.write()
    finally:
        await api.aclose()
    return print_end(console, job, ledger, work.gaps, requests=progress.requests)


def _prepare(job: Job) -> None:
    """Make the directory of the output; never write over what another run has made."""
    there = job.output.glob(f"*{SUFFIX}") if job.directory else [job.output]
    if not job.state.exists() and any(path.exists() for path in there):
        raise click.UsageError(
            f"{job.output} holds an output already; remove it, or choose another"
        )
    directory = job.output if job.directory else job.output.parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.ClickException(f"{directory}: {error.strerror}") from None


def _settings(config: Path | None, flags: dict[str, Any], only: tuple[str, ...]) -> Settings:
    settings = or_exit(partial(load, config, flags=given(flags), known_collectors=collectors.NAMES))
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    if unknown := set(only) - {org.key for org in settings.orgs}:
        raise click.UsageError(f"there is no org {', '.join(sorted(unknown))} in the configuration")
    if not only:
        return settings
    return dataclasses.replace(settings, orgs=tuple(o for o in settings.orgs if o.key in only))
