"""API keys: which texts cannot be one, and files with a key that may change."""

import errno
import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

MAX_BYTES = 64 * 1024
RECHECK = 1.0
"""Seconds between two looks at a file."""

_LONGEST = 8192
_SHORTEST_MASK = 3
_LONGEST_PLACEHOLDER = 100
_QUOTES = frozenset("\"'`´“”„‘’«»")
_MARKS = _QUOTES | frozenset("{}[]()<>\\")

_NAMED = re.compile(
    r"(?:\w+[-_.])*(?:(?:api|auth|access|secret)?(?:key|token|secret)|authorization|bearer)"
    r"s?[-_]?[:=](?=[^=])",
    re.IGNORECASE,
)
"""The name of a setting or a header before the key, as in `api_key=…` and `Token:…`."""

_PATH = re.compile(r"\w+://|~?\.{0,2}/(?:run|var|etc|home|mnt|opt|tmp|secrets?|root)/|~/|\.{1,2}/")
"""The beginning of an address or of a file's path."""

_WORDS = re.compile(
    r"(?:your|my|the|an?|insert|enter|put|paste|add|use|set|give|replace|change|fill|"
    r"platform|ibl|ai|org|real|actual|own|valid|secret|private|api|auth|access|key|token|value|"
    r"goes|go|with|here|this|it|in|me|example|sample|dummy|placeholder|todo|tbd|"
    r"none|null|nil|undefined|empty|redacted|hidden)+"
)
_TELLING = re.compile(
    r"your|insert|enter|paste|replace|change|here|placeholder|todo|tbd|example|sample|dummy|"
    r"none|null|undefined|redacted|hidden|(?:my|the|an?)?(?:api|auth|access)(?:key|token)"
)
"""A placeholder consists of these words alone, and at least one of them is telling."""

_MASK = re.compile(r"x{6,}|[*•●#]{3,}|…|\.{3}|_{5,}", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\w+|\$\{.*|%\w+%|@\w+@|\{\{.*|<.*|env[.:]\w+", re.IGNORECASE)

Signature = tuple[int, int, int]


def is_placeholder(text: str) -> bool:
    """Return whether a text is a placeholder, and not a key."""
    bare = text.strip("\"'`<>{}[]() ")
    letters = re.sub(r"[\W_]+", "", bare.lower())
    return (
        not letters
        or (len(text) >= _SHORTEST_MASK and set(letters) == {"x"})
        or bool(_MASK.search(text))
        or bool(_VARIABLE.fullmatch(text))
        or bool(
            len(letters) <= _LONGEST_PLACEHOLDER
            and _WORDS.fullmatch(letters)
            and _TELLING.search(letters)
        )
    )


_REASONS: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda key: not key, "is empty; write the API key of the platform"),
    (lambda key: key != key.strip(), "has spaces or line breaks around it; remove them"),
    (is_placeholder, "is a placeholder; write the API key of the platform"),
    (
        lambda key: _QUOTES & {key[0], key[-1]},
        "has quotes around it that are part of the value; remove them",
    ),
    (_NAMED.match, "begins with a name, such as api_key= or Token:; write the key alone"),
    (
        lambda key: any(character.isspace() for character in key),
        "contains spaces; write the key alone, without a word such as Api-Token before it",
    ),
    (
        lambda key: _MARKS & set(key) or key[-1] in ",;",
        "contains quotes, braces or other marks that keys do not have; write the key alone",
    ),
    (_PATH.match, "is an address or a path; write the key, or name its file in api_key_file"),
    (
        lambda key: not key.isascii() or not key.isprintable() or len(key) > _LONGEST,
        "is too long, or has characters that keys do not have; copy it again",
    ),
)
"""What is wrong with a text that cannot be a key, and the remedy. The first that applies counts."""


def unfit(key: str) -> str | None:
    """Return why a text cannot be an API key, and the remedy; None if it can. Never quote it."""
    return next((reason for applies, reason in _REASONS if applies(key)), None)


class KeyFile:
    """A file with an API key, read again when it changes. It is looked at once in `RECHECK`."""

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
            raise ValueError(f"{self._path} is larger than 64 KiB; write the key alone")
        try:
            key = content.decode("utf-8-sig").strip()
        except UnicodeDecodeError:
            raise ValueError(f"{self._path} is not text; write the key alone") from None
        if len(key.splitlines()) > 1:
            raise ValueError(f"{self._path} has several lines; write the key alone")
        if reason := unfit(key):
            raise ValueError(f"{self._path}: the key {reason}")
        return key


def _signature(found: os.stat_result) -> Signature:
    return found.st_mtime_ns, found.st_size, found.st_ino


def _why(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "does not exist; create it with the API key"
        case errno.EACCES | errno.EPERM:
            return "permission denied; let the user of the exporter read it"
        case _:
            return f"cannot be read ({error.strerror})"
