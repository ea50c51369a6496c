"""The texts of error bodies, limited to phrases that are known not to name a person."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

MAX_LENGTH = 120
_LOOKED_AT = 2000

WITHHELD = "its reason is not shown, since it may name a person"

_FIELDS = ("detail", "message", "error_description", "error", "error_code", "code")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")
_EMAIL = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,255}")
_TOKEN = re.compile(r"[0-9A-Fa-f]{16,}|(?=[\w.~+/=-]{0,64}\d)[\w.~+/=-]{20,}|[\w~+/=-]{32,}")
_REMOVED = "…"

_PHRASES = frozenset({
    "a valid integer is required",
    "authentication credentials were not provided",
    "authentication failed",
    "bad gateway",
    "enter a valid date",
    "forbidden",
    "incorrect authentication credentials",
    "internal server error",
    "invalid page",
    "invalid parameters",
    "invalid token",
    "invalid token header. no credentials provided",
    "must be a valid boolean",
    "not found",
    "permission denied",
    "rate limit exceeded",
    "request was throttled",
    "server error (500)",
    "service unavailable",
    "the access token has expired",
    "the access token is invalid",
    "this field is required",
    "this field may not be blank",
    "this field may not be null",
    "token expired",
    "token has expired",
    "too many requests",
    "unauthorized",
    "user inactive or deleted",
    "you do not have permission to access this resource",
    "you do not have permission to perform this action",
    # Codes.
    "authentication_failed",
    "insufficient_scope",
    "invalid_request",
    "invalid_token",
    "not_authenticated",
    "not_found",
    "permission_denied",
    "spend_cap_exceeded",
    "throttled",
    "token_expired",
})  # fmt: skip
"""Whole texts that are shown, in small letters and without the full stop at the end."""

_OPENINGS = {
    re.compile(r"you are not allowed to\b.*", re.IGNORECASE): "You are not allowed to …",
    re.compile(r"no [^.]{1,60} matches the given query", re.IGNORECASE): (
        "No … matches the given query."
    ),
    re.compile(r"(date|datetime) has wrong format\b.*", re.IGNORECASE): "Date has wrong format.",
    re.compile(r"request was throttled\..*", re.IGNORECASE): "Request was throttled.",
    re.compile(r"method \S{3,9} not allowed", re.IGNORECASE): "Method not allowed.",
}
"""Texts with a part that may be anything, and what is shown instead."""

_PARAMETERS = frozenset({
    "active", "aggregation", "course_id", "date_filter", "department_id", "end_date", "granularity",
    "group_by", "include_main_platform", "length", "limit", "mentor_id", "metric",
    "non_field_errors", "offset", "org", "page", "platform_key", "start_date", "user_id",
})  # fmt: skip
"""Parameters that an error may name."""


def error_reason(body: bytes) -> str:
    """Return the short reason that a JSON error body gives, or an empty text if it gives none.

    Only known phrases are quoted: a learner's name cannot be told from other words.
    """
    try:
        answer = from_json(body)
    except ValueError:
        return ""
    texts = list(_reasons(answer))
    return next(filter(None, map(_known, texts)), WITHHELD if texts else "")


def clean(text: str, *, key: str = "") -> str:
    """Return foreign text on one line, short, and without secrets or addresses."""
    text = text[:_LOOKED_AT]
    if key:
        text = text.replace(key, _REMOVED)
    text = _CONTROL.sub(" ", text)
    text = _TOKEN.sub(_REMOVED, _EMAIL.sub(_REMOVED, text))
    text = " ".join(text.split())
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + _REMOVED


def _reasons(answer: Any) -> Iterator[str]:
    """Yield the texts that an error body gives, those of refused parameters with their names."""
    if not isinstance(answer, dict):
        return
    for field in _FIELDS:
        if text := _text(answer.get(field)):
            yield text
    for name, value in answer.items():
        if name not in _FIELDS and isinstance(value, list) and (text := _text(value)):
            yield f"{name}: {text}" if name in _PARAMETERS else text


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _known(text: str) -> str:
    """Return a text of the API as it is shown, or nothing where it is not a known one."""
    text = " ".join(text[:_LOOKED_AT].split())
    name, colon, rest = text.partition(": ")
    if colon and name in _PARAMETERS:
        known = _known(rest)
        return f"{name}: {known}" if known else ""
    plain = text.removesuffix(".")
    if plain.lower() in _PHRASES:
        return text
    return next((shown for form, shown in _OPENINGS.items() if form.fullmatch(plain)), "")
