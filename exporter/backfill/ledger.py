"""What a backfill has so far: answers of the API and figures of days, in one SQLite file.

Whatever was written is there after the process is killed, and nothing is there in part. The
directory is for its owner alone. It holds figures, course ids and course names, and nothing of
any learner.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Self

from exporter.api.payloads import Reason
from exporter.backfill.kept import Kept
from exporter.catalog import METRICS
from exporter.samples import Labels

_FILE = "backfill.sqlite"
_PRIVATE_DIR = 0o700
_PRIVATE_FILE = 0o600
_TABLES = """
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answer (
  question TEXT PRIMARY KEY, body BLOB, flaws TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS figure (
  family TEXT, org TEXT, day INTEGER, rows TEXT NOT NULL, PRIMARY KEY (family, org, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS done (
  org TEXT, day INTEGER, whole INTEGER NOT NULL, PRIMARY KEY (org, day)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS file (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""

Rows = list[tuple[Labels, float]]


class LedgerError(Exception):
    """The state of a backfill cannot be used; the text says why and what to do."""


class Ledger:
    """The state of one backfill. All methods belong to one thread."""

    def __init__(self, directory: Path | None) -> None:
        """Open the state in `directory`, or in memory without one. Raises `LedgerError`."""
        try:
            self._db = sqlite3.connect(self._prepare(directory), timeout=0, isolation_level=None)
            # Held until the end, so that two runs never write the same output.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise LedgerError(f"{directory}: another backfill is at work there") from None
            raise LedgerError(f"{directory}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise LedgerError(f"{directory}: {error}; remove it to begin anew") from None
        except OSError as error:
            raise LedgerError(f"{directory}: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @staticmethod
    def _prepare(directory: Path | None) -> str:
        """Make the directory and the file, so that no one else can read them at any time."""
        if directory is None:
            return ":memory:"
        directory.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
        directory.chmod(_PRIVATE_DIR)
        path = directory / _FILE
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, _PRIVATE_FILE))
        return str(path)

    def notes(self) -> dict[str, str]:
        """Return what was noted of the backfill as a whole."""
        return dict(self._db.execute("SELECT name, value FROM note"))

    def note(self, notes: Mapping[str, str]) -> None:
        """Note something of the backfill as a whole."""
        with self._transaction():
            self._db.executemany("INSERT OR REPLACE INTO note VALUES (?, ?)", notes.items())

    def answer(self, question: str) -> Kept | None:
        """Return the answer to a question, or None where it has not been asked."""
        row = self._db.execute(
            "SELECT body, flaws FROM answer WHERE question = ?", (question,)
        ).fetchone()
        return None if row is None else Kept(row[0], _flaws(row[1]))

    def asked(self, question: str) -> bool:
        """Return whether there is an answer to a question."""
        found = self._db.execute("SELECT 1 FROM answer WHERE question = ?", (question,))
        return found.fetchone() is not None

    def keep(self, question: str, kept: Kept) -> None:
        """Keep the answer to a question."""
        self._db.execute(
            "INSERT OR REPLACE INTO answer VALUES (?, ?, ?)",
            (question, kept.body, json.dumps(kept.flaws)),
        )

    def flaws(self) -> int:
        """Return how many values, days and rows of all answers could not be read."""
        found = self._db.execute("SELECT flaws FROM answer WHERE flaws != '{}'")
        return sum(sum(_flaws(text).values()) for (text,) in found)

    def is_done(self, org: str, day: date) -> bool:
        """Return whether the figures of a day are all there."""
        return bool(self._whole(org, day))

    def put_day(self, org: str, day: date, figures: Mapping[str, Rows], *, whole: bool) -> None:
        """Replace the figures of a day by metric name; `whole` if no later run can add to them."""
        key = org, day.toordinal()
        with self._transaction():
            self._db.execute("DELETE FROM file")
            if self._whole(org, day) is not None:
                self._db.executemany(
                    "DELETE FROM figure WHERE family = ? AND org = ? AND day = ?",
                    [(metric.name, *key) for metric in METRICS],
                )
            self._db.executemany(
                "INSERT INTO figure VALUES (?, ?, ?, ?)",
                [(family, *key, json.dumps(rows)) for family, rows in figures.items()],
            )
            self._db.execute("INSERT OR REPLACE INTO done VALUES (?, ?, ?)", (*key, whole))

    def has_figures(self, org: str) -> bool:
        """Return whether there is any figure of an org."""
        found = self._db.execute("SELECT 1 FROM figure WHERE org = ? LIMIT 1", (org,))
        return found.fetchone() is not None

    def is_written(self, name: str) -> bool:
        """Return whether a file was written of the figures as they are now."""
        found = self._db.execute("SELECT 1 FROM file WHERE name = ?", (name,))
        return found.fetchone() is not None

    def wrote(self, name: str) -> None:
        """Note that a file was written."""
        self._db.execute("INSERT OR REPLACE INTO file VALUES (?)", (name,))

    def _whole(self, org: str, day: date) -> int | None:
        """Return 1 or 0 for a day that was put, None for one that was not."""
        row = self._db.execute(
            "SELECT whole FROM done WHERE org = ? AND day = ?", (org, day.toordinal())
        ).fetchone()
        return None if row is None else row[0]

    def figures(
        self, family: str, org: str, first: date, last: date
    ) -> Iterator[tuple[date, Rows]]:
        """Yield the figures of a metric and an org by day, in order."""
        found = self._db.execute(
            "SELECT day, rows FROM figure WHERE family = ? AND org = ? AND day BETWEEN ? AND ?"
            " ORDER BY day",
            (family, org, first.toordinal(), last.toordinal()),
        )
        for day, text in found:
            yield (
                date.fromordinal(day),
                [(tuple(labels), value) for labels, value in json.loads(text)],
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _flaws(text: str) -> dict[Reason, int]:
    counts: dict[str, Any] = json.loads(text)
    return {Reason(reason): count for reason, count in counts.items()}
