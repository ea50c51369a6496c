"""What a backfill prints: its plan, its progress and its result."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from math import ceil
from pathlib import Path

from rich import progress as rich_progress
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from exporter.backfill.collecting import Gap
from exporter.backfill.estimate import Estimate, left_out
from exporter.backfill.job import SUFFIX, Job
from exporter.backfill.run import Backfill
from exporter.check.report import MAX_ROWS, amount
from exporter.settings.units import format_duration

_LOOKBACK = 300
_TENTHS = 10


class Progress:
    """Draws progress bars, or without a terminal prints a line for each tenth of the requests."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(),
            rich_progress.MofNCompleteColumn(),
            rich_progress.TimeRemainingColumn(),
            rich_progress.TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._requests = self._bars.add_task("requests", total=None, note="")
        self._files = self._bars.add_task("files", total=None, note="")
        self._expected = 0
        self.requests = 0

    @contextmanager
    def of(self, *, requests: int, files: int) -> Iterator[None]:
        """Show the bars while the work lasts."""
        self._expected = requests
        self._bars.update(self._requests, total=requests)
        self._bars.update(self._files, total=files)
        with self._bars:
            yield

    def wrote(self, path: Path) -> None:
        """Count a file that is complete."""
        self._bars.update(self._files, advance=1, note=path.name)
        self._bars.refresh()

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:  # noqa: ARG002 - an observer
        """Count a request."""
        self.requests += 1
        if not self._expected:
            return
        self._bars.update(self._requests, advance=1, note=org)
        every = max(self._expected // _TENTHS, 1)
        if not self._console.is_terminal and self.requests % every == 0:
            text = f"{self.requests:,} of about {self._expected:,} requests"
            self._console.print(text, highlight=False)

    def retried(self, org: str, endpoint: str) -> None:
        """Count nothing: a retried request is counted as a request."""

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Count nothing: waiting shows in the time."""


def print_plan(
    console: Console, job: Job, estimates: Mapping[str, Estimate], *, rate: float
) -> None:
    """Print what the backfill will take."""
    table = Table("org", title="Plan", title_justify="left")
    for heading in ("requests", "courses", "series", "samples", "size"):
        table.add_column(heading, justify="right")
    for key, estimate in islice(estimates.items(), MAX_ROWS):
        table.add_row(key, *_cells(estimate))
    if len(estimates) > MAX_ROWS:
        table.add_row(f"… and {len(estimates) - MAX_ROWS:,} more")
    total = sum(estimates.values(), Estimate())
    table.add_section()
    table.add_row(amount(len(estimates), "org"), *_cells(total), style="bold")
    console.print(table)
    hosts: Counter[str] = Counter()
    for org in job.orgs:
        hosts[org.base_url] += estimates[org.key].requests
    time = timedelta(seconds=ceil(max(hosts.values()) / rate))
    _say(
        console,
        f"{job.start} to {job.end} in the time zone of each org, a sample every "
        f"{format_duration(job.step)}, up to 3 hours ago.",
        f"About {total.requests:,} requests take at least {time} (h:mm:ss) at {rate:g} per second "
        "and host. What an interrupted backfill has collected is not requested again.",
        *_warnings(job),
        "Left out, since the API does not return past hours: iblai_*_today.",
    )


def print_result(console: Console, job: Job, backfill: Backfill, *, requests: int) -> bool:
    """Print the result and the next step; return whether a later run would add nothing."""
    for org, gaps in sorted(backfill.gaps.items()):
        _say(console, *_gaps(org, gaps), style="yellow")
    if backfill.payload_errors:
        text = f"{amount(backfill.payload_errors, 'part')} of responses could not be read."
        _say(console, text, style="yellow")
    incomplete = sorted(o for o, gaps in backfill.gaps.items() if any(g.temporary for g in gaps))
    if backfill.empty:
        _say(console, f"No values of {', '.join(sorted(backfill.empty))}.", style="red")
    if incomplete:
        again = "Run the same command again to collect the rest."
        _say(console, f"Incomplete: {', '.join(incomplete)}. {again}", style="red")
    outputs = job.outputs()
    size = decimal(sum(path.stat().st_size for path in outputs))
    files = shlex.quote(str(job.output)) + (f"/*{SUFFIX}" if job.directory else "")
    _say(
        console,
        f"{job.output}: {amount(len(outputs), 'file')}, {size}, with {requests:,} requests.",
        "Next:",
        f"  for file in {files}; do promtool tsdb create-blocks-from openmetrics "
        '"$file" blocks || break; done',
        "  mv blocks/* PROMETHEUS_DATA/      # docs/backfill.md",
        f"  rm -r {shlex.quote(str(job.state))}      # once the blocks are in use",
    )
    return not backfill.empty and not incomplete


def _say(console: Console, *lines: str, style: str = "") -> None:
    for line in lines:
        # Without line breaks within, so that a command can be copied.
        console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _warnings(job: Job) -> Iterator[str]:
    if job.step > _LOOKBACK:
        yield (
            "warning: queries look back 5 minutes by default, so charts and rules will have gaps "
            "between samples."
        )
    if "job" not in job.labels:
        yield (
            "The series continue in live scrapes only with the labels that Prometheus adds: "
            "--label job=… --label instance=…"
        )
    if names := sorted({name for org in job.orgs for name in left_out(org)}):
        yield f"Left out, since the API returns only the current value: {', '.join(names)}."


def _gaps(org: str, gaps: list[Gap]) -> Iterator[str]:
    if names := [gap.collector.name for gap in gaps if gap.not_offered]:
        yield f"{org}: not offered, or not permitted to this key: {', '.join(names)}"
    for gap in gaps:
        if not gap.not_offered:
            times = f" ({gap.items:,} times)" if gap.items > 1 else ""
            yield f"{org}: {gap.collector.name} is incomplete{times}: {gap.error}"


def _cells(estimate: Estimate) -> tuple[str, ...]:
    counts = (estimate.requests, estimate.courses, estimate.series, estimate.samples)
    return (*(f"{count:,}" for count in counts), decimal(estimate.size))
