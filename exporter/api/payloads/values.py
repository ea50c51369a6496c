"""JSON, numbers, dates and texts of payloads, and the errors that are counted."""

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
"""Longest course or agent id accepted, in characters (Open edX allows 255)."""

MAX_NAME = 256
"""Longest course name kept; the rest is cut."""

MAX_COMMAS = 250_000
"""Most commas in a body: parsing 16 MiB of `{},{},…` would block the event loop for seconds."""

MAX_VALUE = 1e15
"""Largest number accepted: sums and products of such numbers are finite and nearly exact."""

MAX_DISPLAY_NAME = 100
"""Longest name of a topic, model or agent kept; the rest is cut."""


class Reason(StrEnum):
    """Why a payload, or a part of it, is not used. A closed set: it is a label value."""

    UNREADABLE = "unreadable"  # not JSON, or not this payload at all, or no value in it
    VALUE = "value"  # a required value that is null, not a number, negative, or above `MAX_VALUE`
    DATE = "date"  # a day that is not a date, or that appears twice with different values
    ROW = "row"  # a row without a usable id, or not a row
    TOTAL = "total"  # days missing, and the days returned do not add up to the total
    PAGES = "pages"  # more pages than the limit, or fewer rows than the list claims


class PayloadError(Exception):
    """No value of a response is usable. The text never quotes the response."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.reason = Reason.UNREADABLE


PayloadErrors = Counter[Reason]
"""Errors in a payload that cost one value each."""


def parse_json(body: bytes) -> Any:
    """Return the content of a JSON body."""
    if body.count(b",") > MAX_COMMAS:
        raise PayloadError(f"the response has more than {MAX_COMMAS} members")
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return from_json(body, cache_strings="keys")
    except ValueError:
        pass
    try:
        # Slower, but accepts halves of surrogate pairs and numbers of any length.
        return json.loads(body, parse_int=float)
    except (ValueError, RecursionError):
        # The text of the cause may quote the body.
        raise PayloadError("the response is not JSON") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the object in a JSON body."""
    response = parse_json(body)
    if not isinstance(response, dict):
        raise PayloadError("the response is not an object")
    return response


def flatten(items: list[Any]) -> Iterator[Any]:
    """Remove the second list that some published samples wrap around a list."""
    for item in items:
        if isinstance(item, list):
            yield from item
        else:
            yield item


def objects_in(items: list[Any], errors: PayloadErrors) -> list[dict[str, Any]]:
    """Return the items that are objects. Others are counted."""
    objects = [item for item in items if isinstance(item, dict)]
    if invalid := len(items) - len(objects):
        errors[Reason.ROW] += invalid
    return objects


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DOTS = frozenset({".", ".."})
"""In a path these lead to another endpoint, whose values would be taken for the course's."""


def is_valid_id(course_id: Any) -> bool:
    """Return whether a value is an id that can be a label and a part of a path."""
    if not isinstance(course_id, str):
        return False
    if not 0 < len(course_id.strip()) <= len(course_id) <= MAX_ID or course_id in _DOTS:
        return False
    if course_id.isascii():
        return course_id.isprintable()
    return course_id == replace_surrogates(course_id) and not _CONTROL.search(course_id)


def replace_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which UTF-8 cannot encode."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def course_name(raw: Any) -> str:
    """Return the name of a course, or "" if there is none."""
    if not isinstance(raw, str):
        return ""
    return raw if raw.isascii() and len(raw) <= MAX_NAME else replace_surrogates(raw[:MAX_NAME])


_EMAIL = re.compile(r"\S@\S+\.\S")


def display_name(raw: Any) -> str:
    """Return the name of a topic, model or agent on one line, or "" if there is none.

    People choose these names, so one that contains an e-mail address is not kept.
    """
    text = replace_surrogates(raw[: 2 * MAX_DISPLAY_NAME]) if isinstance(raw, str) else ""
    if _EMAIL.search(text):
        return ""
    return " ".join(_CONTROL.sub(" ", text).split())[:MAX_DISPLAY_NAME].strip()


def add(one: float | None, other: float | None) -> float | None:
    """Return the sum, which is unknown if one of the two is."""
    return None if one is None or other is None else one + other


_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_NOTHING = frozenset({"", "n/a", "na", "none", "null", "-"})


def parse_number(raw: Any, errors: PayloadErrors, *, signed: bool = False) -> float | None:
    """Return a number within `MAX_VALUE`, or None.

    Null and texts such as "N/A" are None. Anything else that is not a number is counted.
    """
    if raw is None:
        return None
    if (type(raw) is int or type(raw) is float) and 0 <= raw <= MAX_VALUE:
        return raw + 0.0  # fast path
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
    errors[Reason.VALUE] += 1
    return None


MAX_DATE = 64
"""Longest text parsed as a date, in characters."""

_DAY = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](?:(\d{2}:\d{2})(:\d{2})?)?.{0,40})?", re.ASCII | re.DOTALL
)

Stamp = tuple[date, str]
"""The date and the time of day at which a bucket starts."""


def parse_date(raw: Any) -> date | None:
    """Return the date of a day or timestamp as printed, whatever its time zone.

    A bucket starts at a midnight of the zone in which the platform counts days. Its date in
    any other zone, UTC included, may be the day before.
    """
    stamp = parse_stamp(raw)
    return stamp and stamp[0]


def parse_stamp(raw: Any) -> Stamp | None:
    """Return the start of a bucket as printed; a date alone starts at 00:00:00."""
    return _stamp_in(raw) if isinstance(raw, str) and len(raw) <= MAX_DATE else None


@lru_cache(maxsize=1024)
def _stamp_in(text: str) -> Stamp | None:
    """Return a start. Cached: responses repeat the same few dozen texts."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    day, time, seconds = match.groups()
    try:
        return date.fromisoformat(day), (time or "00:00") + (seconds or ":00")
    except ValueError:
        return None
