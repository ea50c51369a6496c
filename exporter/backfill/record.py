"""What a backfill has collected and rendered so far, in a state file like that of the exporter.

A killed backfill continues from it. The directory is private to its owner. It holds daily values,
gauges, and ids and names of courses and mentors, but no API key and nothing about a learner.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Self

from exporter.history.problems import StateProblem
from exporter.history.series import MAX_DAYS, DailyValues
from exporter.history.state import StateFile
from exporter.history.store import History
from exporter.snapshots import Item, decode, encode

_IDENTITY = "backfill"
"""Identity of all data in the file: the options of the job are compared instead."""

_JOB = "\x1fjob"
_GAUGES = "\x1fgauges of "
"""Names of what is stored beside the orgs; no key of an org has a control character."""

_PRIVATE_DIR = 0o700

Gauges = Mapping[tuple[str, str], DailyValues]
"""Values by metric name and series (its name and labels), by the day on which they were served."""


class StateError(Exception):
    """The state file cannot be used. The text says why and what to do."""


class OrgRecord:
    """What was collected for one org: its history, and one item per collector and day."""

    def __init__(self, file: StateFile, org: str, *, on_change: Callable[[], None]) -> None:
        """Load what was saved for `org`. `on_change` is called before a change is saved."""
        self._file = file
        self._org = org
        self._on_change = on_change
        content = file.load({org: _IDENTITY})
        self.history = History(on_change=self._save_history, keep=MAX_DAYS)
        self.history.restore(org, content.history.get(org, {}))
        self._items = content.snapshots.get(org, {})

    def item(self, collector: str, day: date) -> Item | None:
        """Return what a collector returned for a day."""
        payload = self._items.get((collector, day.isoformat()))
        return None if payload is None else decode(payload, now=0.0, monotonic=0.0)

    def put(self, collector: str, item: Item, *, complete: bool) -> None:
        """Keep what a collector returned for a day. Only what is `complete` is saved."""
        if complete or item.samples:
            self._on_change()
        day = item.day.isoformat()
        self._items[collector, day] = payload = encode(item, collected=0.0)
        if complete:
            self._file.put_snapshot(
                self._org, _IDENTITY, collector=collector, item=day, payload=payload
            )

    def items(self) -> Iterator[Item]:
        """Yield the items of all collectors and days, the latest day last."""
        for key in sorted(self._items, key=lambda key: (key[1], key[0])):
            yield decode(self._items[key], now=0.0, monotonic=0.0)

    def _save_history(self, org: str, series: str, part: str, values: DailyValues | None) -> None:
        self._on_change()
        if values is None:
            self._file.remove_history(org, series=series, part=part)
        else:
            self._file.put_history(org, _IDENTITY, series=series, part=part, values=values)


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
        """Save the options of the job. Raises `StateError`."""
        payload = json.dumps(dict(options)).encode()
        self._file.put_snapshot(_JOB, _IDENTITY, collector="job", item="", payload=payload)
        self._flush()

    def org(self, org: str, *, on_change: Callable[[], None] = lambda: None) -> OrgRecord:
        """Return what was collected for an org. `on_change` is called before it changes."""
        return OrgRecord(self._file, org, on_change=on_change)

    def put_gauges(self, org: str, gauges: Gauges) -> None:
        """Replace the gauges of an org. Raises `StateError`."""
        key = _GAUGES + org
        self._file.remove_org(key)
        for (metric, series), values in gauges.items():
            self._file.put_history(key, _IDENTITY, series=metric, part=series, values=values)
        self._flush()

    def gauges(self, org: str, metric: str) -> list[tuple[str, DailyValues]]:
        """Return the series of one metric of an org, sorted."""
        return sorted(
            self._file.load_series(_GAUGES + org, metric).items(), key=lambda found: found[0]
        )

    def check(self) -> None:
        """Raise `StateError` if the last attempt to write failed."""
        if self._problem is not None and self._file.problem is not None:
            raise StateError(self._problem.message)

    def _flush(self) -> None:
        """Wait until everything is saved."""
        if not self._file.flush():
            found = self._file.problem
            raise StateError(found.message if found else "the state file cannot be written")

    def _note(self, found: StateProblem) -> None:
        self._problem = found
