"""One backfill: collects what is missing, derives the gauges, and writes the files."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.payloads import Reason
from exporter.backfill.collecting import Gap, OrgCollection, Runs, together
from exporter.backfill.gauges import OrgGauges
from exporter.backfill.job import SUFFIX, Job
from exporter.backfill.openmetrics import Source, Writer
from exporter.backfill.record import Record, StateError
from exporter.backfill.retries import RetryingApi
from exporter.backfill.times import Section, Times
from exporter.clock import Clock
from exporter.collectors.run import Api
from exporter.settings import Org

HEAD = 3 * 3600
"""Seconds before now that are left to Prometheus' head block, which blocks should not overlap."""

ORGS_AT_ONCE = 4
"""Orgs whose values are in memory at a time."""


class Reporter(Protocol):
    """What shows the progress."""

    def wrote(self, path: Path) -> None:
        """Note that a file is complete."""
        ...


def resume(job: Job, record: Record, *, now: datetime, end_given: bool) -> tuple[Job, Times]:
    """Return the job and its times as they were when the backfill began.

    So it does not matter for the output when an interrupted one continues. Raises `StateError`
    if the record belongs to another job.
    """
    known = record.options()
    if not end_given and "end" in known:
        job = replace(job, end=date.fromisoformat(known["end"]))
    options = job.options()
    if other := [name for name, value in options.items() if known.get(name, value) != value]:
        raise StateError(
            f"{job.state} belongs to a backfill with another {', '.join(other)}. Remove it and "
            "the output to start over, or choose another output."
        )
    times = times_of(job, now)
    times = replace(times, until=int(known.get("until", times.until)))
    record.put_options({**options, "until": str(times.until)})
    return job, times


def times_of(job: Job, now: datetime) -> Times:
    """Return the times of a job that begins now."""
    until = (int(now.timestamp()) - HEAD) // job.step * job.step
    return Times(job.start, job.end, job.step, until)


class Backfill:
    """A job with its record, which may have been begun earlier."""

    def __init__(
        self,
        job: Job,
        times: Times,
        *,
        api: Api,
        record: Record,
        clock: Clock,
        reporter: Reporter,
        page_size: int = 100,
        retrying: Callable[[Api, Clock], Api] = RetryingApi,
    ) -> None:
        self._job = job
        self._times = times
        self._api = api
        self._record = record
        self._clock = clock
        self._reporter = reporter
        self._page_size = page_size
        self._retrying = retrying
        self._current = True
        self.gaps: dict[str, list[Gap]] = {}
        """What could not be collected, by org."""
        self.empty: list[str] = []
        """Orgs without any gauge."""
        self.payload_errors = 0

    async def collect(self) -> None:
        """Collect what is missing of every org, and derive its gauges. Raises `StateError`.

        What fails is in `gaps`, and affects no other org.
        """
        orgs = iter(self._job.orgs)

        async def work() -> None:
            for org in orgs:
                await self._collect(org)

        await together(*(work() for _ in range(ORGS_AT_ONCE)))

    def write(self) -> int:
        """Write the files that do not exist; return how many samples. Raises OSError."""
        job = self._job
        sources = [Source(org.key, org.zone, job.constants(org)) for org in job.orgs]
        missing = {path: section for path, section in self.files().items() if not path.exists()}
        samples = 0
        for path, count in Writer(sources, self._record).write(missing):
            samples += count
            self._reporter.wrote(path)
        return samples

    def files(self) -> dict[Path, Section]:
        """Return the files of the output, and what belongs into each."""
        if not self._job.directory:
            return {self._job.output: self._times.whole()}
        days = self._times.utc_days([org.zone for org in self._job.orgs])
        return {self._job.output / f"{day}{SUFFIX}": self._times.within(day) for day in days}

    async def _collect(self, org: Org) -> None:
        days = self._times.days(org.zone)
        if days is None:
            return
        record = self._record.org(org.key, on_change=self._outdate)
        runs = Runs(
            org=org,
            days=days,
            history=record.history,
            api=self._retrying(self._api, self._clock),
            page_size=self._page_size,
            payload_error=self._payload_error,
        )
        collection = OrgCollection(runs, record)
        await collection.collect()
        if collection.gaps:
            self.gaps[org.key] = collection.gaps
        gauges = await OrgGauges(org, record, days).by_day()
        if not gauges:
            self.empty.append(org.key)
        self._record.put_gauges(org.key, gauges)

    def _outdate(self) -> None:
        """Remove the output before the first new value is saved: what exists is always current."""
        if self._current:
            self._current = False
            for path in self._job.outputs():
                path.unlink()

    def _payload_error(self, _: Endpoint, reason: Reason, count: int) -> None:  # noqa: ARG002
        self.payload_errors += count
