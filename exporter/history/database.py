"""The SQLite file of the state: how it is created, checked, read and written.

The file is created complete under another name and then renamed, so its header always says whose
it is. Every write is one transaction in WAL mode: a killed process leaves the last committed one.
"""

import contextlib
import fcntl
import os
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from exporter.history.pending import Changes, Key, OrgChanges
from exporter.history.problems import Reason, reason_of
from exporter.history.series import DailyValues

FILE_NAME = "iblai-exporter.sqlite3"
APPLICATION_ID = 0x49424C41  # "IBLA"
VERSION = 1
"""Version of the tables. A file with a higher one is left alone."""

_MAGIC = b"SQLite format 3\x00"
_HEADER = 100
_VERSION_AT, _APPLICATION_AT = 60, 68  # in the header, https://www.sqlite.org/fileformat.html
_PRIVATE_DIR, _PRIVATE_FILE = 0o700, 0o600
_BUSY_SECONDS = 1.0
_MAX_IDLE_WAL = 16 << 20
_SIDES = ("-wal", "-shm")
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE orgs (id INTEGER PRIMARY KEY, org TEXT NOT NULL UNIQUE, identity TEXT NOT NULL);
CREATE TABLE history (
  org INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
  series TEXT NOT NULL, part TEXT NOT NULL, first_day TEXT NOT NULL, daily BLOB NOT NULL,
  PRIMARY KEY (org, series, part)
);
CREATE TABLE snapshots (
  org INTEGER NOT NULL REFERENCES orgs ON DELETE CASCADE,
  collector TEXT NOT NULL, item TEXT NOT NULL, payload BLOB NOT NULL,
  PRIMARY KEY (org, collector, item)
);
"""
# As bytes, so that a text that is not UTF-8 spoils only its row.
_ORGS = "SELECT id, CAST(org AS BLOB), CAST(identity AS BLOB) FROM orgs"
_HISTORY = (
    "SELECT org, CAST(series AS BLOB), CAST(part AS BLOB), CAST(first_day AS BLOB),"
    " CAST(daily AS BLOB) FROM history"
)
_SERIES = (
    "SELECT CAST(part AS BLOB), CAST(first_day AS BLOB), CAST(daily AS BLOB) FROM history"
    " WHERE org = (SELECT id FROM orgs WHERE org = ?) AND series = ?"
)
_SNAPSHOTS = (
    "SELECT org, CAST(collector AS BLOB), CAST(item AS BLOB), CAST(payload AS BLOB) FROM snapshots"
)


class UnusableError(Exception):
    """The file exists and must not be used; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(slots=True)
class StateContent:
    """What a state file held for the requested orgs."""

    history: dict[str, dict[Key, DailyValues]] = field(default_factory=dict)
    """Daily values by org, then by series and part."""
    snapshots: dict[str, dict[Key, bytes]] = field(default_factory=dict)
    """Payloads by org, then by collector and item."""
    unreadable: list[str] = field(default_factory=list)
    """The org of each row that could not be decoded."""


class _Texts(dict[bytes, str]):
    """Texts by their bytes, each decoded and stored once: names repeat in every org."""

    def __missing__(self, raw: bytes) -> str:
        text = self[raw] = raw.decode()
        return text


class Database:
    """An open state file, with the lock that keeps other exporters out of it.

    Methods raise `sqlite3.Error`, `OSError` or `UnusableError`. Not thread-safe.
    """

    def __init__(self, path: Path, *, written_by: str) -> None:
        """Open the file, or create it. A corrupt one is renamed and a new one is created."""
        self.renewed = False
        """Whether a corrupt file was renamed."""
        self._path = path
        self._written_by = written_by
        path.parent.mkdir(mode=_PRIVATE_DIR, exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, _lock(path.with_name(path.name + ".lock")))
            try:
                self._open()
            except UnusableError as error:
                if error.reason != "corrupt":
                    raise
                _set_aside(path)
                self.renewed = True
                self._open()
            self._lock = stack.pop_all()

    def close(self) -> None:
        """Close the file and release the lock."""
        with self._lock:
            self._db.close()

    def renew(self) -> None:
        """Rename the file, which proved to be corrupt, and create a new one."""
        self._db.close()
        _set_aside(self._path)
        self.renewed = True
        self._open()

    def replaced(self) -> bool:
        """Return whether the path no longer leads to the open file."""
        try:
            return self._path.stat().st_ino != self._inode
        except OSError:
            return True

    def orgs(self) -> list[tuple[int, str, str]]:
        """Return row id, org and identity of every org that is stored."""
        return [
            (id_, org.decode(errors="replace"), identity.decode(errors="replace"))
            for id_, org, identity in self._db.execute(_ORGS)
        ]

    def read(self, orgs: Mapping[str, str]) -> StateContent:
        """Return what is stored for `orgs` (org to identity), and for no other identity."""
        content = StateContent()
        texts = _Texts()
        wanted = {id_: org for id_, org, identity in self.orgs() if orgs.get(org) == identity}
        # All rows are read at once, unless those of a single org are wanted.
        where, ids = (" WHERE org = ?", tuple(wanted)) if len(wanted) == 1 else ("", ())
        for id_, series, part, first, daily in self._db.execute(_HISTORY + where, ids):
            if (org := wanted.get(id_)) is not None:
                with _skipped(content, org):
                    values = DailyValues.unpack(date.fromisoformat(texts[first]), daily)
                    content.history.setdefault(org, {})[texts[series], texts[part]] = values
        for id_, collector, item, payload in self._db.execute(_SNAPSHOTS + where, ids):
            if (org := wanted.get(id_)) is not None:
                with _skipped(content, org):
                    content.snapshots.setdefault(org, {})[texts[collector], texts[item]] = payload
        return content

    def read_series(self, org: str, series: str) -> dict[str, DailyValues]:
        """Return the values of one series by part. Rows that cannot be decoded are left out."""
        found: dict[str, DailyValues] = {}
        for part, first, daily in self._db.execute(_SERIES, (org, series)):
            with contextlib.suppress(ValueError, TypeError):
                values = DailyValues.unpack(date.fromisoformat(first.decode()), daily)
                found[part.decode()] = values
        return found

    def write(self, changes: Changes) -> None:
        """Write all of `changes`, or nothing of it if this raises."""
        with self._transaction():
            if changes.keep_orgs is not None:
                unwanted = [(id_,) for id_, org, _ in self.orgs() if org not in changes.keep_orgs]
                self._db.executemany("DELETE FROM orgs WHERE id = ?", unwanted)
            for org, of_org in changes.orgs.items():
                self._write_org(org, of_org)

    def _write_org(self, org: str, changes: OrgChanges) -> None:
        stored = self._db.execute("SELECT id, identity FROM orgs WHERE org = ?", (org,)).fetchone()
        if stored and (changes.cleared or changes.identity not in {None, stored[1]}):
            self._db.execute("DELETE FROM orgs WHERE org = ?", (org,))
            stored = None
        if stored:
            id_ = stored[0]
        elif changes.identity is not None:
            id_ = self._db.execute(
                "INSERT INTO orgs (org, identity) VALUES (?, ?)", (org, changes.identity)
            ).lastrowid
        else:
            return  # nothing stored, and nothing but removals pending
        self._db.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET first_day = excluded.first_day, daily = excluded.daily",
            [
                (id_, *key, packed[0].isoformat(), packed[1])
                for key, packed in changes.history.items()
                if packed is not None
            ],
        )
        self._db.executemany(
            "INSERT INTO snapshots VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET payload = excluded.payload",
            [
                (id_, *key, payload)
                for key, payload in changes.snapshots.items()
                if payload is not None
            ],
        )
        self._db.executemany(
            "DELETE FROM history WHERE org = ? AND series = ? AND part = ?",
            [(id_, *key) for key, packed in changes.history.items() if packed is None],
        )
        self._db.executemany(
            "DELETE FROM snapshots WHERE org = ? AND collector = ? AND item = ?",
            [(id_, *key) for key, payload in changes.snapshots.items() if payload is None],
        )

    def _open(self) -> None:
        _create_if_absent(self._path)
        _check_header(self._path)
        self._db = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._check()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            self._db.close()
            # Without its tables and columns, our own file is as useless as with damaged pages.
            code = getattr(error, "sqlite_errorcode", None)
            if reason_of(error) == "corrupt" or code == sqlite3.SQLITE_ERROR:
                raise UnusableError("corrupt") from error
            raise
        except BaseException:
            self._db.close()
            raise
        self._inode = self._path.stat().st_ino

    def _check(self) -> None:
        """Check version and tables, and that the file can be written."""
        _check_version(self._db.execute("PRAGMA user_version").fetchone()[0])
        for query in (_ORGS, _HISTORY, _SNAPSHOTS):
            self._db.execute(query + " LIMIT 1").fetchone()
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute(f"PRAGMA journal_size_limit = {_MAX_IDLE_WAL}")
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO meta VALUES ('written_by', ?)", (self._written_by,)
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # A full disk may have ended the transaction already.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


@contextlib.contextmanager
def _skipped(content: StateContent, org: str) -> Iterator[None]:
    """Note a row that cannot be decoded, and go on with the next."""
    try:
        yield
    except (ValueError, TypeError):
        content.unreadable.append(org)


def _lock(path: Path) -> int:
    """Lock `path` for this process. The kernel releases the lock however the process ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _PRIVATE_FILE)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(file)
        raise
    return file


def _create_if_absent(path: Path) -> None:
    """Create the file with its tables. It appears complete or not at all."""
    if path.exists() and (path.stat().st_size or not path.is_file()):
        return
    new = path.with_name(path.name + ".new")
    for side in ("", *_SIDES):
        new.with_name(new.name + side).unlink(missing_ok=True)
    os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE))
    with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as db:
        # A page has room for three payloads of 2 KiB; of the default size, for only one.
        db.execute("PRAGMA page_size = 8192")
        # No journal: a file that is not finished is created again.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.executescript(_TABLES)
        db.execute("PRAGMA journal_mode = WAL")
    # The log of a file that was removed would be applied to the new one.
    for side in _SIDES:
        path.with_name(path.name + side).unlink(missing_ok=True)
    new.replace(path)


def _check_header(path: Path) -> None:
    """Check whose file it is without SQLite, which might write to it."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnusableError("foreign")
    with path.open("rb") as file:
        header = file.read(_HEADER)
    if not header.startswith(_MAGIC):
        raise UnusableError("foreign")
    if len(header) < _HEADER:
        raise UnusableError("corrupt")
    if int.from_bytes(header[_APPLICATION_AT : _APPLICATION_AT + 4], "big") != APPLICATION_ID:
        raise UnusableError("foreign")
    _check_version(int.from_bytes(header[_VERSION_AT : _VERSION_AT + 4], "big"))


def _check_version(version: int) -> None:
    if version != VERSION:
        raise UnusableError("newer" if version > VERSION else "corrupt")


def _set_aside(path: Path) -> None:
    """Rename a corrupt file in place of the one before; without it, its log is of no use."""
    aside = path.with_name(path.name + ".corrupt")
    for side in ("", *_SIDES):
        target = aside.with_name(aside.name + side)
        target.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(target)
