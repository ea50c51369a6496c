"""The state file: what survives a restart, written by a thread about once a second."""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from exporter import __version__
from exporter.history.database import FILE_NAME, Database, StateContent, UnusableError
from exporter.history.pending import Changes
from exporter.history.problems import REMOVED, StateProblem, problem, reason_of
from exporter.history.series import DailyValues

WRITE_INTERVAL = 1.0
"""Seconds that changes are collected for one transaction."""

MAX_BACKOFF = 60.0
"""Seconds between two attempts if writing keeps failing."""

CLOSE_TIMEOUT = 10.0
"""Seconds that closing waits for the last transaction."""

_MAX_DOUBLINGS = 10

OnProblem = Callable[[StateProblem], None]
"""Called from the writer's thread, or from the one that loads; must return at once."""


class StateFile:
    """Daily values and snapshots per org, in one SQLite file. Thread-safe.

    However the process ends, the file holds everything up to one committed transaction. Problems
    of the file do not raise: they are reported, and the exporter works from memory.
    """

    def __init__(
        self,
        path: Path,
        database: Database | None,
        *,
        found: StateProblem | None,
        on_problem: OnProblem | None,
        interval: float,
    ) -> None:
        """Use `open` instead."""
        self._path = path
        self._on_problem = on_problem
        self._interval = interval
        self._problem = found
        self._database = database
        self._database_lock = threading.Lock()
        self._changed = threading.Condition()
        """Guards the attributes below."""
        self._changes = Changes()
        self._started = 0
        self._finished = 0
        self._failures = 0
        """Attempts that failed since the last success."""
        self._hurry = False
        self._closed = self._done = database is None
        self._thread: threading.Thread | None = None
        if database is not None:
            self._thread = threading.Thread(target=self._run, name="state-file", daemon=True)
            self._thread.start()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        on_problem: OnProblem | None = None,
        interval: float = WRITE_INTERVAL,
    ) -> Self:
        """Open or create the file in `directory`, which is created if its parent exists.

        A file that cannot be used does not raise: `problem` says why, and everything stays in
        memory. `on_problem` is called for problems found later, once until the next success.
        """
        path = directory / FILE_NAME
        database, found = None, None
        try:
            database = Database(path, written_by=__version__)
            if database.renewed:
                found = problem("corrupt", path)
        except Exception as error:  # noqa: BLE001 - whatever is in the file, the exporter starts
            found = _describe(path, error)
        return cls(path, database, found=found, on_problem=on_problem, interval=interval)

    @property
    def problem(self) -> StateProblem | None:
        """What the last attempt to open, read or write found; None after a successful write."""
        return self._problem

    @property
    def persistent(self) -> bool:
        """Whether values are written at all. False means that they are only in memory."""
        return self._thread is not None

    def load(self, orgs: Mapping[str, str]) -> StateContent:
        """Return what is stored for `orgs` (org to identity); blocks while it is read.

        What is stored for another identity of one of these orgs is removed. Changes that are not
        committed yet are not included.
        """
        content = StateContent()
        stored: dict[str, str] = {}
        with self._using_database():
            if self._database is not None:
                stored = {org: identity for _, org, identity in self._database.orgs()}
                content = self._database.read(orgs)
        for org, identity in stored.items():
            if orgs.get(org, identity) != identity:
                self.remove_org(org)
        return content

    def load_series(self, org: str, series: str) -> dict[str, DailyValues]:
        """Return what is stored of one series by part; blocks while it is read."""
        found: dict[str, DailyValues] = {}
        with self._using_database():
            if self._database is not None:
                found = self._database.read_series(org, series)
        return found

    def put_history(
        self, org: str, identity: str, *, series: str, part: str, values: DailyValues
    ) -> None:
        """Save the values of a series as they are now."""
        packed = values.pack() if len(values) else None
        with self._change() as changes:
            changes.of(org, identity=identity).history[series, part] = packed

    def remove_history(self, org: str, *, series: str, part: str) -> None:
        """Remove the values of a series."""
        with self._change() as changes:
            changes.of(org).history[series, part] = None

    def put_snapshot(
        self, org: str, identity: str, *, collector: str, item: str, payload: bytes
    ) -> None:
        """Save the snapshot of a collector's item."""
        with self._change() as changes:
            changes.of(org, identity=identity).snapshots[collector, item] = payload

    def remove_snapshot(self, org: str, *, collector: str, item: str) -> None:
        """Remove the snapshot of a collector's item."""
        with self._change() as changes:
            changes.of(org).snapshots[collector, item] = None

    def remove_org(self, org: str) -> None:
        """Remove everything of an org."""
        with self._change() as changes:
            changes.remove(org)

    def keep_orgs(self, orgs: Collection[str]) -> None:
        """Remove every org that is not in `orgs`."""
        with self._change() as changes:
            changes.keep(orgs)

    def flush(self) -> bool:
        """Try now to commit all changes so far; return whether they are in the file."""
        with self._changed:
            attempt = self._started
            if self._changes:
                attempt += 1
                self._hurry = True
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._finished >= attempt or self._done)
            return self.persistent and self._finished >= attempt and self._failures == 0

    def close(self) -> None:
        """Commit all changes, once more if that failed before, and release the file."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT)

    @contextlib.contextmanager
    def _change(self) -> Iterator[Changes]:
        """Give out the changes to add to; without a file to write to, they lead nowhere."""
        with self._changed:
            if self._closed:
                yield Changes()
                return
            idle = not self._changes
            yield self._changes
            if idle:
                self._changed.notify_all()

    def _run(self) -> None:
        """Write until closed, and once more then."""
        while self._wait():
            with self._changed:
                changes, self._changes = self._changes, Changes()
                self._started += 1
                self._hurry = False
            failed = not self._write(changes)
            with self._changed:
                if failed:
                    changes.add(self._changes)
                    self._changes = changes
                self._failures = self._failures + 1 if failed else 0
                self._finished += 1
                self._changed.notify_all()
                if self._closed and (failed or not self._changes):
                    break
        with self._using_database():
            self._release()
        with self._changed:
            self._done = True
            self._changed.notify_all()

    def _wait(self) -> bool:
        """Wait until it is time to write; return False if closed with nothing to write."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes or self._closed)
            delay = min(self._interval * 2 ** min(self._failures, _MAX_DOUBLINGS), MAX_BACKOFF)
            self._changed.wait_for(lambda: self._hurry or self._closed, timeout=delay)
            return bool(self._changes)

    def _write(self, changes: Changes) -> bool:
        """Write all changes or none; return whether they were written."""
        written = False
        with self._using_database():
            if self._database is not None and self._database.replaced():
                self._release()
                self._report(StateProblem("missing", REMOVED.format(file=self._path)))
            if self._database is None:
                self._database = Database(self._path, written_by=__version__)
                if self._database.renewed:
                    self._report(problem("corrupt", self._path))
            self._database.write(changes)
            self._problem = None
            written = True
        return written  # noqa: RET504 - False if an error was reported above

    @contextlib.contextmanager
    def _using_database(self) -> Iterator[None]:
        """Report errors instead of raising; replace a file that proves to be corrupt."""
        with self._database_lock:
            try:
                yield
            except Exception as error:  # noqa: BLE001 - the writer must go on
                found = _describe(self._path, error)
                if found.reason == "corrupt" and self._database is not None:
                    try:
                        self._database.renew()
                    except Exception as another:  # noqa: BLE001 - as above
                        found = _describe(self._path, another)
                        self._release()
                self._report(found)

    def _release(self) -> None:
        """Close the file; the next write opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _report(self, found: StateProblem) -> None:
        repeated = self._problem is not None and self._problem.reason == found.reason
        self._problem = found
        if self._on_problem is not None and not repeated:
            # An error of the receiver must not end the writer.
            with contextlib.suppress(Exception):
                self._on_problem(found)


def _describe(path: Path, error: Exception) -> StateProblem:
    if isinstance(error, UnusableError):
        return problem(error.reason, path)
    return problem(reason_of(error), path, detail=error)
