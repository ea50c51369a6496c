"""What a person sees of a backfill: the plan, how far it is, and what came of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from rich import progress as rich_progress
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from exporter import catalog, collectors
from exporter.backfill import past
from exporter.backfill.ledger import Ledger
from exporter.backfill.plan import Share
from exporter.backfill.run import SUFFIX, Gap, Job
from exporter.collectors import Rhythm
from exporter.settings.units import format_duration

MAX_ROWS = 50
"""Orgs listed one by one; a thousand are summed up."""

_LOOKBACK = 300
_TENTHS = 10
_MINUTE = 60
_HOUR = 3600


class Progress:
    """Counts requests, and draws bars, or where there is no terminal says each tenth."""

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
        self._days = self._bars.add_task("days", total=None, note="")
        self._files = self._bars.add_task("files", total=None, note="")
        self._all = self._seen = 0
        self.requests = 0

    @contextmanager
    def of(self, *, days: int, files: int) -> Iterator[None]:
        """Show the bars while the work lasts."""
        self._all = days
        self._bars.update(self._days, total=days)
        self._bars.update(self._files, total=files)
        with self._bars:
            yield

    def visited(self, org: str) -> None:
        """Take note of a day of an org whose figures are there."""
        self._bars.update(self._days, advance=1, note=f"{org}, {self.requests:,} requests")
        self._seen += 1
        tenths = self._seen * _TENTHS // self._all
        if not self._console.is_terminal and tenths > (self._seen - 1) * _TENTHS // self._all:
            self._console.print(
                f"{self._seen:,} of {self._all:,} days, {self.requests:,} requests",
                highlight=False,
            )

    def wrote(self, path: Path) -> None:
        """Take note of a file that is there."""
        self._bars.update(self._files, advance=1, note=path.name)
        self._bars.refresh()

    def requested(self, org: str, endpoint: str, code: str, seconds: float) -> None:  # noqa: ARG002 # an observer
        """Count a request."""
        self.requests += 1

    def retried(self, org: str, endpoint: str) -> None:
        """Count nothing: a request that is sent again is a request."""

    def rate_limited(self, org: str, endpoint: str) -> None:
        """Count nothing: it shows in the time."""


def print_plan(console: Console, job: Job, shares: Mapping[str, Share], *, rate: float) -> None:
    """Print what the backfill will take."""
    table = Table("org", title="Plan", title_justify="left")
    for heading in ("requests", "courses", "series", "samples", "size"):
        table.add_column(heading, justify="right")
    for key, share in islice(shares.items(), MAX_ROWS):
        table.add_row(key, *_cells(share))
    if len(shares) > MAX_ROWS:
        table.add_row(f"… and {len(shares) - MAX_ROWS:,} more")
    whole = sum(shares.values(), Share())
    table.add_section()
    table.add_row(f"{len(shares):,} org{'s' * (len(shares) != 1)}", *_cells(whole), style="bold")
    console.print(table)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    say(
        f"{job.start} to {job.end} in the time zone of each org, "
        f"a sample every {format_duration(job.step)}, up to 3 hours ago."
    )
    if whole.asked:
        say(f"{whole.asked:,} of the answers are there already.")
    say(
        f"{whole.to_ask:,} requests take at least {_time(_seconds(job, shares, rate))}, "
        f"at {rate:g} a second to each host."
    )
    if job.step > _LOOKBACK:
        say(
            "warning: charts and rules that do not look back further than Prometheus' usual "
            f"{_LOOKBACK // _MINUTE} minutes will have gaps between samples."
        )
    if "job" not in job.labels:
        say(
            "Lines join those of live scrapes only with the labels that Prometheus adds: "
            "--label job=… --label instance=…"
        )
    for line in left_out(job):
        say(line)


def left_out(job: Job) -> Iterator[str]:
    """Yield what the API cannot tell of the past, by the collectors that bring it."""
    wanted = {c.name: c for org in job.orgs for c in collectors.of(org)}
    told = {c.name for org in job.orgs for c in past.answerable(org)}
    figures = [c for c in wanted.values() if c.name not in told]
    gone = [
        metric.name
        for collector in figures
        if collector.rhythm is Rhythm.HISTORY
        for metric in catalog.METRICS
        if metric.source == catalog.source(collector.endpoint)
    ]
    if gone:
        yield f"Left out, since the API tells only how it is now: {', '.join(gone)}."
    if any(collector.rhythm is Rhythm.TODAY for collector in figures):
        yield "Left out, since the API does not tell how far a day was at some hour: iblai_*_today."


def print_end(
    console: Console, job: Job, ledger: Ledger, gaps: Sequence[Gap], *, requests: int
) -> bool:
    """Print what came of it, and what to do next; return whether every org has figures."""

    def say(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    for gap in gaps:
        say(f"{gap.org}: {gap.collector} is missing on {gap.days:,} days: {gap.text}", "yellow")
    if flaws := ledger.flaws():
        say(f"{flaws:,} values, days or rows of the answers could not be read.", "yellow")
    empty = [org.key for org in job.orgs if not ledger.has_figures(org.key)]
    if empty:
        say(f"No figure at all of {', '.join(empty)}.", "red")
    paths = sorted(job.output.glob(f"*{SUFFIX}")) if job.directory else [job.output]
    there = [path for path in paths if path.exists()]
    size = decimal(sum(path.stat().st_size for path in there))
    say(f"{job.output}: {len(there):,} files, {size}, with {requests:,} requests.")
    pattern = f"{job.output}/*{SUFFIX}" if job.directory else str(job.output)
    say(
        "Next:\n"
        f"  for file in {pattern}; do promtool tsdb create-blocks-from openmetrics "
        '"$file" blocks || break; done\n'
        "  mv blocks/* PROMETHEUS_DATA/      # docs/backfill.md\n"
        f"  rm -r {job.state}      # once the blocks are good"
    )
    return not empty


def _cells(share: Share) -> tuple[str, ...]:
    counts = (share.to_ask, share.courses, share.series, share.samples)
    return (*(f"{count:,}" for count in counts), decimal(share.size))


def _seconds(job: Job, shares: Mapping[str, Share], rate: float) -> float:
    hosts: dict[str, int] = {}
    for org in job.orgs:
        hosts[org.base_url] = hosts.get(org.base_url, 0) + shares[org.key].to_ask
    return max(hosts.values()) / rate


def _time(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
