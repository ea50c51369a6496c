import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.api.error_bodies import MAX_LENGTH, WITHHELD, clean, error_reason

KEY = "k3y"


def hint(answer):
    return error_reason(json.dumps(answer).encode())


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"detail": "Invalid token."}, "Invalid token."),
        ({"detail": "Invalid\n token"}, "Invalid token"),
        (
            {"error": "invalid_token", "error_description": "The access token is invalid."},
            "The access token is invalid.",
        ),
        ({"error": "invalid_token", "error_description": "It is no good."}, "invalid_token"),
        (
            {"error": "Not found.", "message": "Forbidden", "detail": "Invalid page."},
            "Invalid page.",
        ),
        ({"error": "Not found.", "message": "Forbidden", "detail": ""}, "Forbidden"),
        ({"detail": {"deep": 1}, "error": "Not found."}, "Not found."),
        ({"detail": ["Not found.", "second"]}, "Not found."),
        ({"error": "You spent it all.", "error_code": "spend_cap_exceeded"}, "spend_cap_exceeded"),
        ({"start_date": ["This field is required."]}, "start_date: This field is required."),
        ({"jane": ["This field is required."]}, "This field is required."),
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
    "answer",
    [
        {"detail": "Jane Roe has not signed the agreement."},
        {"detail": "Invalid token. It is Jane Roe's."},
        {"error": "jane_roe"},
        {"start_date": ["Jane Roe was not here then."]},
        {"jane.roe": ["is not enrolled"]},
        {"message": ["Jane"]},
    ],
)
def test_words_that_are_not_known_are_withheld_since_they_may_name_a_person(answer):
    assert hint(answer) == WITHHELD


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("You are not allowed to see Jane Roe.", "You are not allowed to …"),
        ("No Learner matches the given query.", "No … matches the given query."),
        ("Request was throttled. Expected available in 3 seconds.", "Request was throttled."),
    ],
)
def test_of_a_known_phrase_the_part_that_may_be_anything_is_withheld(text, shown):
    assert hint({"detail": text}) == shown


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
    assert clean(text, key=KEY) == cleaned


@given(st.text(max_size=3000))
def test_any_text_becomes_short_printable_and_free_of_the_key(text):
    cleaned = clean(f"{text} {KEY} {text}", key=KEY)
    assert len(cleaned) <= MAX_LENGTH
    assert KEY not in cleaned
    assert not re.search(r"\w@\w", cleaned)
    assert not any(ord(character) < 32 for character in cleaned)
    assert cleaned.encode()


@given(st.binary(max_size=300))
def test_any_bytes_give_a_reason_or_none(body):
    assert isinstance(error_reason(body), str)
