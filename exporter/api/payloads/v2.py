"""The v2 family, `/api/analytics/`. Rows about persons are never parsed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads.fields import (
    MISSING,
    Number,
    Values,
    member_at,
    parse_values,
    values_at,
)
from exporter.api.payloads.lists import (
    Pagination,
    course_names,
    course_rows,
    parse_columns,
    parse_pagination,
)
from exporter.api.payloads.values import (
    PayloadError,
    PayloadErrors,
    flatten,
    parse_number,
    parse_object,
)

_MESSAGES = ("total_conversations", "user_queries", "assistant_responses")
_SENTIMENT = "average_sentiment_score"
_OVERVIEW = tuple(
    f"{entity}.{period}"
    for entity in ("topics", "sessions", "conversations", "messages")
    for period in ("this_month", "last_month", "all_time_total")
)


@dataclass(frozen=True, slots=True)
class ContentPage:
    """One page of courses, programs, pathways or skills, with the summary of all pages.

    `names` and `columns` are as in `CoursePage`; `external` are the ids that belong to another
    org. `summary` holds values by their path. Times are in seconds, `completion_rate` in percent.
    """

    names: Mapping[str, str]
    columns: Mapping[str, Mapping[str, float | None]]
    external: frozenset[str]
    summary: Mapping[str, float | None]
    pagination: Pagination
    errors: PayloadErrors

    @property
    def keys(self) -> frozenset[str]:
        """Return what identifies the rows of this page."""
        return frozenset(self.names)


def parse_headline(body: bytes, *names: str) -> Values:
    """Parse the `value` of each named member: `{name: {value, prev_value, …}}`, or a number.

    Null is "not returned": there is nothing to average.
    """
    response = parse_object(body)
    members = {name: _headline(response[name]) for name in names if name in response}
    return values_at(members, *names)


def parse_v2_users(body: bytes) -> Number:
    """Parse `{metric, count}`: a number of users."""
    found = parse_values(body, "count")
    return Number(found["count"], found.errors)


def parse_messages_summary(body: bytes) -> Values:
    """Parse the `summary` of `messages/`, whose rows are personal and not parsed.

    Values are `total_conversations`, `user_queries`, `assistant_responses` and
    `average_sentiment_score`, which may be negative.
    """
    summary = parse_object(body).get("summary")
    if not isinstance(summary, dict):
        raise PayloadError("the response has no `summary`")
    return values_at(summary, *_MESSAGES, _SENTIMENT, signed=(_SENTIMENT,))


def parse_topics_overview(body: bytes) -> Values:
    """Parse `{entity: {this_month, last_month, all_time_total}}` into values by `entity.period`.

    Entities are topics, sessions, conversations and messages; `sessions` may be missing.
    """
    return parse_values(body, *_OVERVIEW)


def parse_content(
    body: bytes, fields: tuple[str, ...] = (), summary: tuple[str, ...] = ()
) -> ContentPage:
    """Parse `content/`: `fields` of the `analytics` of each result, and paths in the summary.

    Fields are such as `enrollments`, `learners_count`, `total_time_spent`; paths are such as
    `totals.total_learners` or `averages.completion_rate`.
    """
    response = parse_object(body)
    results, totals = response.get("results"), response.get("summary")
    if not isinstance(results, list) and not isinstance(totals, dict):
        raise PayloadError("the response has neither `results` nor `summary`")
    errors = PayloadErrors()
    given = list(flatten(results)) if isinstance(results, list) else []
    rows = course_rows(given, "id", errors)
    if given and not rows:
        raise PayloadError(f"none of {len(given)} results is readable")
    analytics = {id_: _object(row.get("analytics")) for id_, row in rows.items()}
    return ContentPage(
        names=course_names(rows),
        columns=parse_columns(analytics, fields, errors),
        external=frozenset(id_ for id_, row in rows.items() if row.get("external") is True),
        summary={path: _number_at(totals, path, errors) for path in summary},
        pagination=parse_pagination(response, errors),
        errors=errors,
    )


def _headline(raw: Any) -> Any:
    return raw.get("value") if isinstance(raw, dict) else raw


def _object(raw: Any) -> dict[str, Any]:
    return raw if isinstance(raw, dict) else {}


def _number_at(raw: Any, path: str, errors: PayloadErrors) -> float | None:
    found = member_at(raw, path)
    return None if found is MISSING else parse_number(found, errors)
