import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.hints import MAX_HINT, clean, read_hint

KEY = "k3y"


def hint(answer):
    return read_hint(json.dumps(answer).encode(), key=KEY)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"detail": "Invalid token."}, "Invalid token."),
        ({"error": "invalid_token", "error_description": "It is invalid."}, "It is invalid."),
        ({"error": "e", "message": "m", "detail": "d"}, "d"),
        ({"error": "e", "message": "m", "detail": ""}, "m"),
        ({"detail": {"deep": 1}, "error": "e"}, "e"),
        ({"detail": ["first", "second"]}, "first"),
        ({"start_date": ["This field is required."]}, "start_date: This field is required."),
        ({"data": []}, ""),
        ({}, ""),
        ([], ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_the_reason_is_looked_for_where_the_platform_s_own_front_end_looks(answer, says):
    assert hint(answer) == says


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("two\r\nlines\tand\x00 more\u2028here", "two lines and more here"),
        ("user jane.doe+x@acme.example.org is unknown", "user … is unknown"),
        ("token 0123456789abcdef0123 expired", "token … expired"),
        ("bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "bearer …"),
        ("id 6f1c2d3e-0000-4000-8000-123456789abc", "id …"),
        ("your k3y is bad, k3y", "your … is bad, …"),
        (
            "No CourseOverview matches the given query.",
            "No CourseOverview matches the given query.",
        ),
        ("\u202eevil", "evil"),
    ],
)
def test_secrets_addresses_and_control_characters_do_not_get_through(text, cleaned):
    assert hint({"detail": text}) == cleaned


@given(st.text(max_size=3000))
def test_whatever_the_text_the_hint_is_short_printable_and_without_the_key(text):
    cleaned = clean(f"{text} {KEY} {text}", key=KEY)
    assert len(cleaned) <= MAX_HINT
    assert KEY not in cleaned
    assert not re.search(r"\w@\w", cleaned)
    assert not any(ord(character) < 32 for character in cleaned)
    assert cleaned.encode()


@given(st.binary(max_size=300))
def test_whatever_the_bytes_there_is_a_hint_or_none(body):
    assert isinstance(read_hint(body, key=KEY), str)
