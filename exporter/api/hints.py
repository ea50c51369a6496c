"""What an error body says, made fit for a log."""

import re
from typing import Any

from pydantic_core import from_json

MAX_HINT = 120
_LOOKED_AT = 2000

_FIELDS = ("detail", "message", "error_description", "error")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")
_EMAIL = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,255}")
_TOKEN = re.compile(r"[0-9A-Fa-f]{16,}|(?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{20,}|[\w~+/=-]{32,}")
_GONE = "…"


def read_hint(body: bytes, *, key: str) -> str:
    """Return the short reason that a JSON error body gives, or an empty text.

    Keys, e-mail addresses and what looks like a token become "…".
    """
    try:
        answer = from_json(body)
    except ValueError:
        return ""
    return clean(_reason(answer), key=key)


def clean(text: str, *, key: str = "") -> str:
    """Return foreign text on one line, short, and without secrets or addresses."""
    text = text[:_LOOKED_AT]
    if key:
        text = text.replace(key, _GONE)
    text = _CONTROL.sub(" ", text)
    text = _TOKEN.sub(_GONE, _EMAIL.sub(_GONE, text))
    text = " ".join(text.split())
    return text if len(text) <= MAX_HINT else text[: MAX_HINT - 1] + _GONE


def _reason(answer: Any) -> str:
    """Return the text of the first field that has one; else of the first refused parameter."""
    if not isinstance(answer, dict):
        return ""
    for field in _FIELDS:
        text = _text(answer.get(field))
        if text:
            return text
    for name, value in answer.items():
        if isinstance(value, list) and (text := _text(value)):
            return f"{name}: {text}"
    return ""


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""
