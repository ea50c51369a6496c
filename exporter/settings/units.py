"""Durations and sizes, written as a number and a unit."""

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
_DURATION = re.compile(rf"({_NUMBER})(ms|[smhdw])")
_SIZE = re.compile(rf"({_NUMBER}) ?({'|'.join(SIZES)})")


def duration(text: str) -> float:
    """Return the seconds of a text such as `5m`, `1h30m` or `500ms`.

    Raises ValueError with the remedy.
    """
    parts = _DURATION.findall(text)
    units = [unit for _, unit in parts]
    if re.fullmatch(_NUMBER, text):
        example = f"{text}s for seconds or {text}m for minutes"
        if float(text) and float(text) % 60 == 0:
            example = f"{float(text) / 60:g}m or {text}s"
        raise ValueError(f"{text} has no unit; write {example}")
    if text.startswith("-"):
        raise ValueError("must not be negative; write for example 5m")
    if not parts or "".join(map("".join, parts)) != text:
        raise ValueError(
            "is not a duration; write a number and a unit (ms, s, m, h, d, w), such as 30s, 5m or "
            "1h30m"
        )
    if len(set(units)) != len(units):
        raise ValueError("has a unit twice; write for example 1h30m")
    seconds = sum(float(number) * DURATIONS[unit] for number, unit in parts)
    if not 0 < seconds <= LONGEST:
        raise ValueError("must be more than 0 and at most 366d")
    return seconds


def size(text: str) -> int:
    """Return the bytes of a text such as `16MiB` or `10MB`. Raises ValueError with the remedy."""
    match = _SIZE.fullmatch(text)
    if match is None:
        if not re.fullmatch(_NUMBER, text):
            raise ValueError("is not a size; write a number and a unit, such as 16MiB or 64KiB")
        example = f"{text}MiB for mebibytes or {text}B for bytes"
        if float(text) and float(text) % SIZES["KiB"] == 0:
            example = format_size(int(float(text)))
        raise ValueError(f"{text} has no unit; write {example}")
    number, unit = match.groups()
    amount = int(float(number) * SIZES[unit])
    if not 0 < amount <= LARGEST:
        raise ValueError("must be more than 0 and at most 1024GiB")
    return amount


def format_duration(seconds: float) -> str:
    """Return a duration as `duration` reads it, in the largest unit that fits."""
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(seconds, DURATIONS[unit])
        if count and not rest:
            return f"{int(count)}{unit}"
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"


def format_size(amount: int) -> str:
    """Return a size as `size` reads it, in the largest unit that fits."""
    for unit in ("GiB", "MiB", "KiB"):
        if amount % SIZES[unit] == 0:
            return f"{amount // SIZES[unit]}{unit}"
    return f"{amount}B"
