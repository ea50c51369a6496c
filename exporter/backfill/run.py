"""One backfill from its plan to its files: asks what is missing, keeps it, writes it."""

import asyncio
import dataclasses
import hashlib
import json
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from exporter import __version__
from exporter.api import endpoints
from exporter.api.errors import ApiError
from exporter.api.payloads import PayloadError, read_courses
from exporter.backfill import past, plan
from exporter.backfill.desk import Desk
from exporter.backfill.era import Era, Slice
from exporter.backfill.ledger import Ledger, LedgerError
from exporter.backfill.openmetrics import Source, Writer
from exporter.clock import Clock
from exporter.collectors.visit import Asker
from exporter.settings import Org
from exporter.windows import Span, history

HEAD = 3 * 3600
"""Seconds before now that are left to Prometheus' head block, which blocks should not overlap."""

SUFFIX = ".om"

_ORGS_AT_ONCE = 4
_DAYS_AT_ONCE = 4
_NOT_OF_THE_FIGURES = frozenset(
    {
        "api_key",
        "api_key_file",
        "auth_scheme",
        "user_id",
        "interval",
        "history_interval",
        "max_staleness",
        "alerts",
    }
)


class Reporter(Protocol):
    """Whoever shows how far the backfill is."""

    def visited(self, org: str) -> None:
        """Take note of a day of an org whose figures are there."""
        ...

    def wrote(self, path: Path) -> None:
        """Take note of a file that is there."""
        ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is wanted: days `start` to `end` of each org, a sample every `step` seconds.

    Figures of complete days are the same all day long, so `end` may be today.

    `output` is a directory of one file for each day of UTC, or else one file.
    """

    orgs: tuple[Org, ...]
    start: date
    end: date
    step: int
    output: Path
    directory: bool
    labels: Mapping[str, str]

    @property
    def state(self) -> Path:
        """Where the state is kept, beside the output."""
        if self.directory:
            return self.output / ".state"
        return self.output.with_name(f"{self.output.name}.state")

    def constants(self, org: Org) -> dict[str, str]:
        """Return the labels of every series of `org`."""
        return {**org.constants(), **self.labels}

    def notes(self) -> dict[str, str]:
        """Return all that the result depends on, but for the answers."""
        orgs = [
            {
                field.name: repr(getattr(org, field.name))
                for field in dataclasses.fields(org)
                if field.init and field.name not in _NOT_OF_THE_FIGURES
            }
            for org in self.orgs
        ]
        digest = hashlib.sha256(json.dumps(orgs, sort_keys=True).encode()).hexdigest()
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "step": str(self.step),
            "labels": json.dumps(dict(self.labels), sort_keys=True),
            "configuration": digest,
            "version": __version__,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """Days on which a collector of an org brought nothing, and the first reason."""

    org: str
    collector: str
    days: int
    text: str


class Backfill:
    """One backfill under way. The state in `ledger` must be of the same job."""

    def __init__(
        self, job: Job, *, api: Asker, ledger: Ledger, clock: Clock, reporter: Reporter
    ) -> None:
        """Take up the job where the ledger has it. Raises `LedgerError`."""
        self._job = job
        self._api = api
        self._ledger = ledger
        self._clock = clock
        self._reporter = reporter
        self._gaps: dict[tuple[str, str], Gap] = {}
        self._era = Era(job.start, job.end, job.step, self._settle(clock.now()))

    @property
    def gaps(self) -> list[Gap]:
        """What could not be had, as far as it was tried."""
        return [gap for _, gap in sorted(self._gaps.items())]

    def days_left(self) -> int:
        """Return how many days of all orgs have yet to be visited."""
        return sum(len(self._missing(org)) for org in self._job.orgs)

    async def foresee(self, *, courses: int | None = None) -> dict[str, plan.Share]:
        """Return what each org takes. So many courses are assumed, or else counted by asking."""
        shares = {}
        for org in self._job.orgs:
            days = self._era.days(org.zone)
            if days is None:
                shares[org.key] = plan.Share()
                continue
            desk = self._desk(days)
            if courses is None:
                known = await self._courses(org, days.last, desk)
            else:
                known = {f"course-v1:Assumed+Course{n:04}+2026": "Assumed" for n in range(courses)}
            shares[org.key] = await plan.share(
                org,
                days,
                known,
                constants=self._job.constants(org),
                step=self._job.step,
                needs=desk.needs,
                asked=self._ledger.asked,
            )
        return shares

    async def ask(self) -> None:
        """Have the figures of all days. Raises `Unanswered` where the API does not answer now."""
        orgs = iter(self._job.orgs)

        async def worker() -> None:
            for org in orgs:
                await self._visit(org)

        await _together(worker() for _ in range(_ORGS_AT_ONCE))

    def write(self) -> int:
        """Write the files that are not there yet; return how many samples. Raises OSError."""
        job = self._job
        sources = [Source(org.key, org.zone, job.constants(org)) for org in job.orgs]
        writer = Writer(sources, self._ledger)
        samples = 0
        for path, part in self.files().items():
            if not (self._ledger.is_written(path.name) and path.exists()):
                samples += writer.write(path, part)
                self._ledger.wrote(path.name)
            self._reporter.wrote(path)
        return samples

    def files(self) -> dict[Path, Slice]:
        """Return the files that there will be, and what each holds."""
        if not self._job.directory:
            return {self._job.output: self._era.whole()}
        days = self._era.utc_days([org.zone for org in self._job.orgs])
        return {self._job.output / f"{day}{SUFFIX}": self._era.within(day) for day in days}

    def _settle(self, now: datetime) -> int:
        """Return until when is written: decided once, so that going on makes no difference."""
        notes, known = self._job.notes(), self._ledger.notes()
        if other := [name for name, value in notes.items() if known.get(name, value) != value]:
            raise LedgerError(
                f"{self._job.state}: is of a backfill with another {', '.join(other)}; remove it "
                "and the output to begin anew, or choose another output"
            )
        if "until" not in known:
            until = (int(now.timestamp()) - HEAD) // self._job.step * self._job.step
            self._ledger.note({**notes, "until": str(until)})
            return until
        return int(known["until"])

    def _desk(self, days: Span) -> Desk:
        hull = Span(history(days.first).first, history(days.last).last)
        return Desk(self._api, self._ledger, self._clock, hull=hull)

    def _missing(self, org: Org) -> list[date]:
        days = self._era.days(org.zone)
        return [day for day in days or () if not self._ledger.is_done(org.key, day)]

    async def _courses(self, org: Org, last: date, desk: Desk) -> dict[str, str]:
        """Return the courses of the last days, by the longest of the questions about them."""
        rehearsal = plan.Rehearsal({})
        await past.visit(org, last, rehearsal, {})
        about = [
            question
            for question in rehearsal.questions
            if question.call.endpoint is endpoints.ACTIVE_USERS_PER_COURSE
        ]
        if not about:
            return {}
        longest = max(about, key=lambda question: len(question.span))
        try:
            page = read_courses(await desk.get(org, longest.call), fields=())
        except (ApiError, PayloadError):
            return {}
        return {c: name for c, name in page.names.items() if org.courses.wants(c)}

    async def _visit(self, org: Org) -> None:
        """Have the figures of one org, some days at a time."""
        span = self._era.days(org.zone)
        if span is None:
            return
        desk, days = self._desk(span), iter(self._missing(org))
        kept: dict[object, float] = {}

        async def worker() -> None:
            for day in days:
                figures = await past.visit(org, day, desk, kept)
                whole = all(failure.lasting for failure in figures.failures)
                self._ledger.put_day(org.key, day, figures.rows(), whole=whole)
                for failure in figures.failures:
                    self._note(org.key, failure)
                self._reporter.visited(org.key)

        try:
            await _together(worker() for _ in range(_DAYS_AT_ONCE))
        finally:
            await desk.close()

    def _note(self, org: str, failure: past.Failure) -> None:
        key = org, failure.collector
        known = self._gaps.get(key) or Gap(org, failure.collector, 0, failure.text)
        self._gaps[key] = dataclasses.replace(known, days=known.days + 1)


async def _together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; the first failure ends it, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
