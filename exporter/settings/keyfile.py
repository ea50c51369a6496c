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
"""Words of a placeholder; it consists of them alone, and one at least is telling."""

_MASK = re.compile(r"x{6,}|[*•●#]{3,}|…|\.{3}|_{5,}", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\w+|\$\{.*|%\w+%|@\w+@|\{\{.*|<.*|env[.:]\w+", re.IGNORECASE)

Signature = tuple[int, int, int]


def is_placeholder(text: str) -> bool:
    """Return whether a text stands for a key that is still to be put there."""
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
    (lambda key: not key, "is empty; put the key of the platform there"),
    (lambda key: key != key.strip(), "has blanks or line ends around it; take them out"),
    (is_placeholder, "is a placeholder, not a key; put the key of the platform there"),
    (
        lambda key: _QUOTES & {key[0], key[-1]},
        "has quotes around it; take them out, since they are part of the value there",
    ),
    (_NAMED.match, "begins with a name, such as api_key= or Token:; give the key alone"),
    (
        lambda key: any(character.isspace() for character in key),
        "has blanks in it; give the key alone, without a word such as Api-Token before it",
    ),
    (
        lambda key: _MARKS & set(key) or key[-1] in ",;",
        "has quotes, braces or other marks that no key has; give the key alone",
    ),
    (_PATH.match, "is an address or a path; give the key, or name its file in api_key_file"),
    (
        lambda key: not key.isascii() or not key.isprintable() or len(key) > _LONGEST,
        "is longer than keys are, or has characters that none has; copy it again",
    ),
)
"""What no key is or has, and what to do about it; the first one counts."""


def unfit(key: str) -> str | None:
    """Return why a text cannot be an API key, and what to do; None if it can. Never quotes it."""
    return next((reason for applies, reason in _REASONS if applies(key)), None)


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
            return "permission denied; let the user of the exporter read it"
        case _:
            return f"cannot be read ({error.strerror})"
