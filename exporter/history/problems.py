"""What can be wrong with the state file, and what to do about it."""

import errno
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Reason = Literal["corrupt", "foreign", "newer", "read_only", "locked", "full", "missing", "error"]

_BY_ERRNO: dict[int, Reason] = {
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.EROFS: "read_only",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EEXIST: "missing",
    errno.EAGAIN: "locked",
}
_BY_SQLITE_CODE: dict[int, Reason] = {
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "read_only",
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_FULL: "full",
}
_PRIMARY_CODE = 0xFF
_REMEDIES: dict[Reason, str] = {
    "corrupt": "{file} is corrupt. It was renamed to {file}.corrupt and a new one was begun.",
    "foreign": "{file} is not a state file of iblai-exporter. Move it away or change state_dir.",
    "newer": (
        "{file} was written by a newer version of iblai-exporter. Use that version, or move the "
        "file away."
    ),
    "read_only": "{file} cannot be written. Give the exporter's user write access to {directory}.",
    "locked": (
        "{file} is in use by another process. Give every exporter its own state_dir, or restart "
        "this one once the other has stopped."
    ),
    "full": (
        "{file} cannot grow. Free space in {directory}, or raise the quota or file size limit of "
        "the exporter's user."
    ),
    "missing": "{file} does not exist and cannot be created. Create the directory {directory}.",
    "error": "{file} cannot be used. Check the file system of {directory}.",
}
REMOVED = (
    "{file} was removed or replaced while it was in use. What changes from now on is written to "
    "the file that is there now. Stop the exporter before moving the file."
)


@dataclass(frozen=True, slots=True)
class StateProblem:
    """One problem of the state file: a reason for metrics, a message for people."""

    reason: Reason
    message: str
    """What is wrong and what to do, in sentences."""


def problem(reason: Reason, file: Path, *, detail: object = "") -> StateProblem:
    """Return the problem of `file` with its remedy and, if there is one, the system's error."""
    message = _REMEDIES[reason].format(file=file, directory=file.parent)
    return StateProblem(reason, f"{message} ({detail})" if detail else message)


def reason_of(error: Exception) -> Reason:
    """Return the reason for an error, mostly of the system or of SQLite."""
    if isinstance(error, UnicodeDecodeError):
        return "corrupt"  # SQLite's message quotes damaged text
    if isinstance(error, OSError):
        return _BY_ERRNO.get(error.errno or 0, "error")
    code = getattr(error, "sqlite_errorcode", 0)
    # SQLite reports only ENOSPC as "full"; an exceeded quota or size limit is a failed write.
    if code == sqlite3.SQLITE_IOERR_WRITE:
        return "full"
    return _BY_SQLITE_CODE.get(code & _PRIMARY_CODE, "error")
