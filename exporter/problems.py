"""Errors of a configuration: the thing, the place and the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches

Loc = tuple[str | int, ...]
"""The place of a value: keys, and indexes of lists."""

Problem = tuple[Loc, str]
"""A place and what is wrong there."""

_SHOWN = 32
_KEY = 40


class ConfigError(Exception):
    """Everything that is wrong with a configuration, one line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def dotted(loc: Loc) -> str:
    """Return a place as text: `orgs[0].courses.include`."""
    text = ""
    for part in loc:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f"{'.' if text else ''}{_key(part)}"
    return text


def shown(value: str) -> str:
    """Return a wrong value for a message, unless it is so long that it may be a key."""
    return value if value.isprintable() and 0 < len(value) <= _SHOWN else "this value"


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is close to `word`, if there is one. Case does not matter."""
    by_fold = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold()[:_KEY], by_fold, n=1, cutoff=0.7)
    return by_fold[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` if a known word is close, else nothing."""
    close = closest(word, known)
    return f"; did you mean {close}?" if close else ""


def _key(part: str) -> str:
    """Return a key, unless it may be a value that got into its place."""
    fit = len(part) <= _KEY and part.replace("-", "_").replace(".", "_").isidentifier()
    return part if fit and part.isascii() else "(not a key)"
