"""API keys: which texts can be one, and files that hold one and may change."""

import errno
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 64 * 1024
RECHECK = 1.0
"""Seconds for which a file is taken to be unchanged without looking."""

_LONGEST = 8192
_MARKS = ("${", "{{", "<", "...", "…")
_PLACEHOLDER = re.compile(
    r"\W+|\$\w+|(?:change|replace)[-_]?(?:me|it|this)|todo|tbd|null|none", re.IGNORECASE
)

Signature = tuple[int, int, int]


def unfit(key: str) -> str | None:
    """Return why a text cannot be an API key, and what to do; None if it can. Never quotes it."""
    if not key:
        return "is empty; put the key of the platform there"
    if key != key.strip():
        return "has blanks or line ends around it; take them out"
    if any(blank in key for blank in " \t\r\n"):
        return "has blanks in it; give the key alone, without a word such as Api-Token before it"
    if any(mark in key for mark in _MARKS) or _PLACEHOLDER.fullmatch(key):
        return "is a placeholder, not a key; put the key of the platform there"
    if not key.isascii() or not key.isprintable() or len(key) > _LONGEST:
        return "is longer than keys are, or has characters that none has; copy it again"
    return None


class KeyFile:
    """A file with an API key in it, read again when it changed.

    A look at the file costs a system call at most once in `RECHECK` seconds.
    """

    def __init__(self, path: Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._looked = float("-inf")
        self._signature: Signature | None = None
        self._key = ""

    def read(self) -> str:
        """Return the key.

        Raises OSError (`filename` and `strerror` name the file and the remedy) or ValueError
        with a text that names both, and nothing of the content.
        """
        now = self._monotonic()
        if self._signature is None or now - self._looked >= RECHECK:
            try:
                self._refresh()
            except (OSError, ValueError):
                self._signature = None
                raise
            self._looked = now
        return self._key

    def _refresh(self) -> None:
        try:
            # A pipe or a device would block, or never end.
            found = self._path.stat()
            if stat.S_ISDIR(found.st_mode):
                raise ValueError(f"{self._path} is a directory; name the file with the key")
            if not stat.S_ISREG(found.st_mode):
                raise ValueError(f"{self._path} is not a file; name the file with the key")
            if _signature(found) == self._signature:
                return
            with self._path.open("rb") as file:
                signature = _signature(os.fstat(file.fileno()))
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise type(error)(error.errno, _why(error), str(self._path)) from None
        self._key = self._parse(content)
        self._signature = signature

    def _parse(self, content: bytes) -> str:
        if len(content) > MAX_BYTES:
            raise ValueError(f"{self._path} is larger than 64 KiB; it must hold the key alone")
        try:
            key = content.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            raise ValueError(f"{self._path} is not text; it must hold the key alone") from None
        if len(key.splitlines()) > 1:
            raise ValueError(f"{self._path} has several lines; it must hold the key alone")
        if reason := unfit(key):
            raise ValueError(f"{self._path}: the key {reason}")
        return key


def _signature(found: os.stat_result) -> Signature:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _why(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "does not exist; create it with the key in it"
        case errno.EACCES | errno.EPERM:
            return "may not be read; let the user that the exporter runs as read it"
        case _:
            return f"cannot be read ({error.strerror})"
