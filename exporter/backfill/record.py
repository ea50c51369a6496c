"""What a backfill has collected and derived so far, in a state file.

A killed backfill continues from it. The directory is private to its owner. It holds daily values,
gauges, and ids and names of courses and mentors, but no API key and nothing about a learner.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self

from exporter import collectors
from exporter.collectors.run import Result
from exporter.history.problems import StateProblem
from exporter.history.series import MAX_DAYS, DailyValues
from exporter.history.state import StateFile
from exporter.history.store import History
from exporter.samples import Compact, Labels, pack, unpack

_IDENTITY = "backfill"
"""Identity of all data in the file: the options of the job are compared instead."""

_JOB = "\x1fjob"
_GAUGES = "\x1fgauges of "
"""Names of what is stored beside the orgs; no key of an org has a control character."""

_PRIVATE_DIR = 0o700

Gauges = Mapping[tuple[str, Labels], DailyValues]
"""Values by metric name and labels, by the day on which they were served."""


class StateError(Exception):
    """The state file cannot be used. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class DayResult:
    """What a collector returned for one day. Unless it is `complete`, some items failed."""

    complete: bool
    samples: Compact = ()
    courses: Mapping[str, str] = field(default_factory=dict)
    mentors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, result: Result) -> Self:
        """Return the result of a run without its values of today."""
        drafts = [draft for draft in result.items.values() if not draft.of_day]
        return cls(
            complete=not result.failed,
            samples=tuple(family for draft in drafts for family in draft.samples.compact()),
            courses={id_: name for draft in drafts for id_, name in draft.courses.items()},
            mentors={id_: name for draft in drafts for id_, name in draft.mentors.items()},
        )

    def encode(self) -> bytes:
        """Return the result as JSON."""
        record = [self.complete, pack(self.samples), dict(self.courses), dict(self.mentors)]
        return json.dumps(record, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Return the result that was encoded."""
        record: list[Any] = json.loads(payload)
        return cls(record[0], unpack(record[1]), record[2], record[3])


class OrgRecord:
    """What was collected for one org: its history and results by day. Changes are saved."""

    def __init__(
        self,
        file: StateFile,
        org: str,
        *,
        check: Callable[[], None],
        on_change: Callable[[], None],
    ) -> None:
        """Load what was saved for `org`. `on_change` is called before a change is saved."""
        self._file = file
        self._org = org
        self._on_change = on_change
        self.check = check
        """Raises `StateError` if the last attempt to write failed."""
        content = file.load({org: _IDENTITY})
        self.history = History(on_change=self._save_history, keep=MAX_DAYS)
        self.history.restore(org, content.history.get(org, {}))
        self._results = content.snapshots.get(org, {})

    def result(self, collector: str, day: date) -> DayResult | None:
        """Return what a collector returned for a day."""
        payload = self._results.get((collector, day.isoformat()))
        return None if payload is None else DayResult.decode(payload)

    def put(self, collector: str, day: date, result: DayResult) -> None:
        """Save what a collector returned for a day."""
        payload = result.encode()
        self._on_change()
        self._results[collector, day.isoformat()] = payload
        self._file.put_snapshot(
            self._org, _IDENTITY, collector=collector, item=day.isoformat(), payload=payload
        )

    def courses(self) -> dict[str, str]:
        """Return the names of the courses of all days by id."""
        return _names(result.courses for result in self._in_order("lists_courses"))

    def mentors(self) -> dict[str, str]:
        """Return the names of the listed mentors by id."""
        return _names(result.mentors for result in self._in_order("lists_mentors"))

    def _in_order(self, lists: str) -> Iterator[DayResult]:
        """Yield the results of the collectors that list something, the latest day last."""
        for name, day in sorted(self._results, key=lambda key: (key[1], key[0])):
            if getattr(collectors.BY_NAME.get(name), lists, False):
                yield DayResult.decode(self._results[name, day])

    def _save_history(self, org: str, series: str, part: str, values: DailyValues | None) -> None:
        self._on_change()
        if values is None:
            self._file.remove_history(org, series=series, part=part)
        else:
            self._file.put_history(org, _IDENTITY, series=series, part=part, values=values)


def _names(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return names by id: the latest that is not empty."""
    known: dict[str, str] = {}
    for names in parts:
        for id_, name in names.items():
            known[id_] = name or known.get(id_, "")
    return known


class Record:
    """The state of one backfill."""

    def __init__(self, directory: Path) -> None:
        """Open or create the state file in `directory`. Raises `StateError`."""
        self._problem: StateProblem | None = None
        directory.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
        directory.chmod(_PRIVATE_DIR)
        self._file = StateFile.open(directory, on_problem=self._note)
        if not self._file.persistent:
            found = self._file.problem
            if found is not None and found.reason == "locked":
                raise StateError(f"{directory}: another backfill uses it.")
            raise StateError(found.message if found else f"{directory}: cannot be used")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def options(self) -> dict[str, str]:
        """Return the options of the job that the file belongs to; {} if it is new."""
        stored = self._file.load({_JOB: _IDENTITY}).snapshots.get(_JOB, {})
        found: dict[str, str] = json.loads(stored.get(("job", ""), b"{}"))
        return found

    def put_options(self, options: Mapping[str, str]) -> None:
        """Save the options of the job."""
        payload = json.dumps(dict(options)).encode()
        self._file.put_snapshot(_JOB, _IDENTITY, collector="job", item="", payload=payload)
        self.flush()

    def org(self, org: str, *, on_change: Callable[[], None]) -> OrgRecord:
        """Return what was collected for an org. `on_change` is called before it changes."""
        return OrgRecord(self._file, org, check=self._check, on_change=on_change)

    def put_gauges(self, org: str, gauges: Gauges) -> None:
        """Replace the gauges of an org."""
        key = _GAUGES + org
        self._file.remove_org(key)
        for (name, labels), values in gauges.items():
            part = json.dumps(labels)
            self._file.put_history(key, _IDENTITY, series=name, part=part, values=values)
        self.flush()

    def gauges(self, org: str, metric: str) -> list[tuple[Labels, DailyValues]]:
        """Return the gauges of one metric of an org, sorted by labels."""
        found = self._file.load_series(_GAUGES + org, metric)
        rows = [(tuple(json.loads(part)), values) for part, values in found.items()]
        return sorted(rows, key=lambda row: row[0])

    def _check(self) -> None:
        if self._problem is not None and self._file.problem is not None:
            raise StateError(self._problem.message)

    def flush(self) -> None:
        """Wait until everything is saved. Raises `StateError`."""
        if not self._file.flush():
            found = self._file.problem
            raise StateError(found.message if found else "the state file cannot be written")

    def _note(self, found: StateProblem) -> None:
        self._problem = found
