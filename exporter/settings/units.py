"""Lengths of time and amounts of data, written with their unit."""

import re
from collections.abc import Mapping

DURATIONS: Mapping[str, float] = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
"""Seconds in each unit of time."""

SIZES: Mapping[str, int] = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
"""Bytes in each unit of data."""

LONGEST = 366 * 86400.0
LARGEST = 2**40

_NUMBER = r"[0-9]{1,13}(?:\.[0-9]{1,6})?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|[smhdw]))+")
_DURATION_PART = re.compile(rf"({_NUMBER})(ms|[smhdw])")
_SIZE = re.compile(rf"({_NUMBER}) ?({'|'.join(SIZES)})")
_BARE = re.compile(_NUMBER)


def duration(text: str) -> float:
    """Return the seconds in a text such as `5m`, `1h30m` or `500ms`.

    Raises ValueError, with a text that shows what to write.
    """
    if not _DURATION.fullmatch(text):
        if _BARE.fullmatch(text):
            raise ValueError(f"{text} has no unit; {_with_unit(text)}")
        if text.startswith("-"):
            raise ValueError("a length of time cannot be negative; write for instance 5m")
        raise ValueError(
            "not a length of time; write a number and a unit (ms, s, m, h, d, w), "
            "for instance 30s, 5m or 1h30m"
        )
    parts = _DURATION_PART.findall(text)
    units = [unit for _, unit in parts]
    if len(set(units)) != len(units):
        raise ValueError("a unit of time stands twice; write for instance 1h30m")
    seconds = sum(float(number) * DURATIONS[unit] for number, unit in parts)
    if not 0 < seconds <= LONGEST:
        raise ValueError("must be more than 0 and at most 366d")
    return seconds


def size(text: str) -> int:
    """Return the bytes in a text such as `16MiB` or `10MB`.

    Raises ValueError, with a text that shows what to write.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        if _BARE.fullmatch(text):
            raise ValueError(f"{text} has no unit; {_with_size_unit(text)}")
        raise ValueError("not a size; write a number and a unit, for instance 16MiB or 64KiB")
    number, unit = match.groups()
    amount = int(float(number) * SIZES[unit])
    if not 0 < amount <= LARGEST:
        raise ValueError("must be more than 0 and at most 1024GiB")
    return amount


def format_duration(seconds: float) -> str:
    """Write a length of time the way `duration` reads it, in the largest unit that fits."""
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(seconds, DURATIONS[unit])
        if count and not rest:
            return f"{int(count)}{unit}"
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"


def format_size(amount: int) -> str:
    """Write an amount of data the way `size` reads it, in the largest unit that fits."""
    for unit in ("GiB", "MiB", "KiB"):
        if amount % SIZES[unit] == 0:
            return f"{amount // SIZES[unit]}{unit}"
    return f"{amount}B"


def _with_unit(number: str) -> str:
    seconds = float(number)
    minutes = f"{seconds / 60:g}m"
    if seconds and seconds % 60 == 0:
        return f"write {minutes} or {number}s"
    return f"write {number}s for seconds or {number}m for minutes"


def _with_size_unit(number: str) -> str:
    amount = float(number)
    if amount >= SIZES["KiB"] and amount % SIZES["KiB"] == 0:
        return f"write {format_size(int(amount))}"
    return f"write {number}MiB for mebibytes or {number}B for bytes"
