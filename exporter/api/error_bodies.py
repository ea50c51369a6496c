"""Reasons in error bodies. Only known phrases are shown: any other text may name a person."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

MAX_LENGTH = 120
_MAX_INPUT = 2000

WITHHELD = "the reason is not shown, since it may name a person"

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
"""Texts that are shown, in lower case and without the full stop."""

_PATTERNS = {
    re.compile(r"you are not allowed to\b.*", re.IGNORECASE): "You are not allowed to …",
    re.compile(r"no [^.]{1,60} matches the given query", re.IGNORECASE): (
        "No … matches the given query."
    ),
    re.compile(r"(date|datetime) has wrong format\b.*", re.IGNORECASE): "Date has wrong format.",
    re.compile(r"request was throttled\..*", re.IGNORECASE): "Request was throttled.",
    re.compile(r"method \S{3,9} not allowed", re.IGNORECASE): "Method not allowed.",
}
"""Texts with a variable part, and what is shown instead."""

_PARAMETERS = frozenset({
    "active", "aggregation", "course_id", "date_filter", "department_id", "end_date", "granularity",
    "group_by", "include_main_platform", "length", "limit", "mentor_id", "metric",
    "non_field_errors", "offset", "org", "page", "platform_key", "start_date", "user_id",
})  # fmt: skip
"""Parameters that an error may name."""


def error_reason(body: bytes) -> str:
    """Return the short reason in a JSON error body, or an empty text.

    Only known phrases are quoted: names of learners cannot be distinguished from other words.
    """
    try:
        payload = from_json(body)
    except ValueError:
        return ""
    texts = list(_reasons(payload))
    return next(filter(None, map(_known, texts)), WITHHELD if texts else "")


def clean(text: str, *, key: str = "") -> str:
    """Return untrusted text on one short line, without secrets or e-mail addresses."""
    text = text[:_MAX_INPUT]
    if key:
        text = text.replace(key, _REMOVED)
    text = _CONTROL.sub(" ", text)
    text = _TOKEN.sub(_REMOVED, _EMAIL.sub(_REMOVED, text))
    text = " ".join(text.split())
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 1] + _REMOVED


def _reasons(payload: Any) -> Iterator[str]:
    """Yield the texts in an error body, those about a parameter with its name."""
    if not isinstance(payload, dict):
        return
    for field in _FIELDS:
        if text := _text(payload.get(field)):
            yield text
    for name, value in payload.items():
        if name not in _FIELDS and isinstance(value, list) and (text := _text(value)):
            yield f"{name}: {text}" if name in _PARAMETERS else text


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    return value if isinstance(value, str) else ""


def _known(text: str) -> str:
    """Return how a text of the API is shown, or nothing if it is not known."""
    text = " ".join(text[:_MAX_INPUT].split())
    name, colon, rest = text.partition(": ")
    if colon and name in _PARAMETERS:
        known = _known(rest)
        return f"{name}: {known}" if known else ""
    plain = text.removesuffix(".")
    if plain.lower() in _PHRASES:
        return text
    return next((shown for pattern, shown in _PATTERNS.items() if pattern.fullmatch(plain)), "")
