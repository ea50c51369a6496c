"""Whatever the body, a parser returns finite values or raises `PayloadError`."""

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import partial

import pytest
from hypothesis import given, settings

from exporter.api import payloads
from exporter.api.payloads import MAX_ID, MAX_NAME, PayloadError, Reason
from exporter.windows import Span
from tests.fuzz.strategies import BODIES

SPAN = Span(date(2026, 5, 4), date(2026, 5, 7))
SIGNED = {"parse_learners", "parse_messages_summary", "parse_spend_cap"}
PARSERS = {
    "parse_daily": payloads.parse_daily,
    "parse_costs": payloads.parse_costs,
    "parse_sessions": payloads.parse_sessions,
    "parse_counts": partial(payloads.parse_counts, count="conversation_count"),
    "parse_points": payloads.parse_points,
    "parse_points of averages": partial(payloads.parse_points, idle=None),
    "parse_courses": partial(payloads.parse_courses, fields=("user_count", "time_watched")),
    "parse_learners": payloads.parse_learners,
    "parse_values": lambda body: payloads.parse_values(body, "data.average", "total"),
    "parse_size": payloads.parse_size,
    "parse_total_cost": payloads.parse_total_cost,
    "parse_parts": partial(
        payloads.parse_parts,
        names=("mentor_name", "name"),
        ids=("mentor_unique_id", "id"),
        value="total_cost",
        lists=("rows", "results"),
    ),
    "parse_llm_usage": partial(
        payloads.parse_llm_usage, measures=("latency", "total_cost", "count"), aggregation="p95"
    ),
    "parse_llm_usage of sums": partial(
        payloads.parse_llm_usage, measures=("latency", "total_cost", "count")
    ),
    "parse_spend_cap": payloads.parse_spend_cap,
    "parse_headline": lambda body: payloads.parse_headline(body, "avg_rating", "value"),
    "parse_v2_users": payloads.parse_v2_users,
    "parse_messages_summary": payloads.parse_messages_summary,
    "parse_topics_overview": payloads.parse_topics_overview,
    "parse_content": partial(
        payloads.parse_content, fields=("enrollments",), summary=("totals.count",)
    ),
}


def leaves(value):
    """Yield every number and text in a result, keys included."""
    if isinstance(value, Counter):
        return
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name != "pagination":
                yield from leaves(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner)
            yield from leaves(key)
    elif isinstance(value, tuple | list | frozenset):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, float | str):
        yield value


def parsed(name, body):
    """Return a result with its values by day, or the error."""
    try:
        result = PARSERS[name](body)
        return result, result.days_in(SPAN) if hasattr(result, "days_in") else {}
    except PayloadError as error:
        return error, {}


def assert_values_or_error(name, body):
    result, by_day = parsed(name, body)
    if isinstance(result, PayloadError):
        assert str(result).isprintable()
        assert len(str(result)) < 300
        return
    for leaf in [*leaves(result), *leaves(by_day)]:
        if isinstance(leaf, str):
            assert leaf.encode() is not None
            assert len(leaf) <= MAX_ID + MAX_NAME
        else:
            assert math.isfinite(leaf)
            assert leaf >= 0 or name in SIGNED
    assert set(result.errors) <= set(Reason)
    assert all(count > 0 for count in result.errors.values())
    if by_day:
        assert list(by_day) == list(SPAN)
        assert all(count > 0 for count in result.errors_in(SPAN).values())


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=100)
@given(body=BODIES)
def test_any_body_gives_values_or_an_error(name, body):
    assert_values_or_error(name, body)


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"data":' * 50_000,
        b"<html></html>",
        b'{"data": {"2026-01-01": 1}',
        b'{"data": "\xff\xfe"}',
        '{"data": {}}'.encode("utf-16"),
        b"\x1f\x8b\x08",
        b'{"total": ' + b"9" * 5000 + b"}",
        b"[" + b"{}," * 1_000_000 + b"{}]",
    ],
    ids=lambda body: body[:16].decode("latin-1"),
)
def test_a_malformed_or_huge_body_is_an_error_at_once(name, body):
    started = time.monotonic()
    assert_values_or_error(name, body)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", PARSERS)
@pytest.mark.parametrize("body", [b"null", b"3", b'"x"', b'{"detail": "no"}', b"[3, 4]"])
def test_another_payload_is_an_error(name, body):
    with pytest.raises(PayloadError):
        PARSERS[name](body)


@pytest.mark.parametrize("name", PARSERS)
def test_an_error_does_not_quote_the_body(name):
    with pytest.raises(PayloadError) as caught:
        PARSERS[name](b'{"username": "jane.doe", oops')
    assert "jane" not in repr(caught.value.__cause__) + str(caught.value)
    assert caught.value.__suppress_context__
