"""One backfill: collects what is missing, renders the gauges, and writes the files."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Protocol

from exporter.api.endpoints import Endpoint
from exporter.api.payloads import Reason
from exporter.backfill.collecting import Gap, Past, together
from exporter.backfill.gauges import gauges_of
from exporter.backfill.job import Job
from exporter.backfill.openmetrics import write
from exporter.backfill.record import Record, StateError
from exporter.backfill.retries import RetryingApi
from exporter.clock import Clock
from exporter.collectors.run import Api
from exporter.settings import Org

ORGS_AT_ONCE = 4
"""Orgs whose values are in memory at a time."""


class Reporter(Protocol):
    """What shows the progress."""

    def wrote(self, path: Path) -> None:
        """Note that a file is complete."""
        ...


def resume(job: Job, record: Record, *, end_given: bool) -> Job:
    """Return the job as it was when the backfill began, and save its options.

    So it does not matter for the output when an interrupted one continues. Raises `StateError`
    if the record belongs to another job.
    """
    known = record.options()
    if known:
        end = job.end if end_given else date.fromisoformat(known["end"])
        job = replace(job, end=end, until=int(known["until"]))
    options = job.options()
    if other := [name for name, value in options.items() if known.get(name, value) != value]:
        raise StateError(
            f"{job.state} belongs to a backfill with another {', '.join(other)}. Remove it and "
            "the output to start over, or choose another output."
        )
    record.put_options(options)
    return job


class Backfill:
    """A job with its record, which may have been begun earlier."""

    def __init__(
        self,
        job: Job,
        *,
        api: Api,
        record: Record,
        clock: Clock,
        reporter: Reporter,
        page_size: int = 100,
        retrying: Callable[[Api, Clock], Api] = RetryingApi,
    ) -> None:
        self._job = job
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
        """Collect what is missing of every org, and render its gauges. Raises `StateError`.

        What fails is in `gaps`, and affects no other org.
        """
        orgs = iter(self._job.orgs)

        async def work() -> None:
            for org in orgs:
                await self._collect(org)

        await together(*(work() for _ in range(ORGS_AT_ONCE)))

    def write(self) -> int:
        """Write the files that do not exist; return how many samples. Raises OSError."""
        missing = {path: each for path, each in self._job.files().items() if not path.exists()}
        samples = 0
        for path, count in write(self._job, self._record, missing):
            samples += count
            self._reporter.wrote(path)
        return samples

    async def _collect(self, org: Org) -> None:
        days = self._job.days(org.zone)
        if days is None:
            return
        past = Past(
            org=org,
            days=days,
            record=self._record.org(org.key, on_change=self._outdate),
            api=self._retrying(self._api, self._clock),
            page_size=self._page_size,
            payload_error=self._payload_error,
            check=self._record.check,
        )
        await past.collect()
        gauges = await gauges_of(self._job.labeled(org), past)
        if past.gaps:
            self.gaps[org.key] = past.gaps
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
