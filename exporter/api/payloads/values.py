"""Values in a payload: JSON, numbers, dates and texts, and what is odd about them."""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

MAX_ID = 512
"""Longest course id taken, in characters (Open edX allows 255)."""

MAX_NAME = 256
"""Longest course name kept; what is longer is cut."""

MAX_PARTS = 250_000
"""Most commas an answer may have: 16 MiB of `{},{},…` would hold the event loop for seconds."""

MAX_VALUE = 1e15
"""Largest number taken: sums and products of such are finite, and sums nearly exact."""

MAX_TITLE = 100
"""Longest name of a topic, model or agent kept; what is longer is cut."""


class Reason(StrEnum):
    """Why an answer, or a part of it, could not be used. A closed set: it is a label value."""

    UNREADABLE = "unreadable"  # not JSON, or not this payload at all, or no figure in it
    VALUE = "value"  # a number that is none, is negative, or is beyond `MAX_VALUE`
    DATE = "date"  # a day that cannot be read
    ROW = "row"  # a row without a usable id, or not a row
    PAGES = "pages"  # more pages than the limit, or fewer rows than the list says it has


class PayloadError(Exception):
    """No figure could be read from an answer."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.reason = Reason.UNREADABLE


Flaws = Counter[Reason]


def json_of(body: bytes) -> Any:
    """Return what a JSON body holds."""
    if body.count(b",") > MAX_PARTS:
        raise PayloadError(f"the answer has more than {MAX_PARTS} parts")
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return from_json(body, cache_strings="keys")
    except ValueError:
        pass
    try:
        # Slower, but one half of a surrogate pair or one endless number does not cost the rest.
        return json.loads(body, parse_int=float)
    except (ValueError, RecursionError):
        # The text of the cause may quote the body.
        raise PayloadError("the answer is not JSON") from None


def object_of(body: bytes) -> dict[str, Any]:
    """Return the object that a JSON body holds."""
    answer = json_of(body)
    if not isinstance(answer, dict):
        raise PayloadError("the answer is not an object")
    return answer


def flat(items: list[Any]) -> Iterator[Any]:
    """Undo the second list that some published samples wrap around a list."""
    for item in items:
        if isinstance(item, list):
            yield from item
        else:
            yield item


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DOTS = frozenset({".", ".."})
"""In a path these two lead to another endpoint, whose figures would pass for the course's."""


def usable(course_id: Any) -> bool:
    """Return whether something is an id that can be a label and a part of a path."""
    if not isinstance(course_id, str):
        return False
    if not 0 < len(course_id.strip()) <= len(course_id) <= MAX_ID or course_id in _DOTS:
        return False
    if course_id.isascii():
        return course_id.isprintable()
    return course_id == encodable(course_id) and not _CONTROL.search(course_id)


def encodable(text: str) -> str:
    """Replace what UTF-8 cannot carry (halves of surrogate pairs)."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


_EMAIL = re.compile(r"\S@\S+\.\S")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def title_of(raw: Any) -> str:
    """Return the name of a topic, model or agent on one line, or "" where there is none.

    People make these names up, so one that holds an e-mail address is not kept.
    """
    text = encodable(raw[: 2 * MAX_TITLE]) if isinstance(raw, str) else ""
    if _EMAIL.search(text):
        return ""
    return " ".join(_CONTROL.sub(" ", text).split())[:MAX_TITLE].strip()


def plus(one: float | None, other: float | None) -> float | None:
    """Return the sum, which is unknown where one of the two is."""
    return None if one is None or other is None else one + other


_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_NOTHING = frozenset({"", "n/a", "na", "none", "null", "-"})


def number_of(raw: Any, flaws: Flaws, *, signed: bool = False) -> float | None:
    """Return a number within `MAX_VALUE`, or None if there is none; what is neither is noted."""
    if raw is None:
        return None
    if (type(raw) is int or type(raw) is float) and 0 <= raw <= MAX_VALUE:
        return raw + 0.0  # the usual case, in a third of the time
    if isinstance(raw, str):
        text = raw.strip()
        if text.lower() in _NOTHING:
            return None
        raw = float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        try:
            value = float(raw)
        except OverflowError:
            value = math.inf
        if (-MAX_VALUE if signed else 0) <= value <= MAX_VALUE:
            return value + 0.0  # -0.0 becomes 0.0
    flaws[Reason.VALUE] += 1
    return None


LONGEST_DAY = 64
"""Longest text that is looked at for a date, in characters."""

_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ].{0,40})?", re.ASCII)


def date_of(raw: Any) -> date | None:
    """Return the date that a day or timestamp prints, whatever zone it names."""
    return _date_in(raw) if isinstance(raw, str) and len(raw) <= LONGEST_DAY else None


@lru_cache(maxsize=1024)
def _date_in(text: str) -> date | None:
    """Return a date; every answer holds the same few dozen texts."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date.fromisoformat(match.group(1))
    except ValueError:
        return None
