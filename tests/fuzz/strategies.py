"""Arbitrary JSON, and JSON that looks like a response of the API."""

import json

from hypothesis import strategies as st

MEMBERS = st.sampled_from(
    [
        "data",
        "total",
        "meta",
        "pagination",
        "totalItems",
        "currentPage",
        "perPage",
        "totalPages",
        "course_id",
        "name",
        "username",
        "user_count",
        "num_vids",
        "num_watched",
        "time_watched",
        "avg_percent_watched",
        "avg_time_watched",
        "time",
        "avg_messages",
        "total_sessions",
        "engagement_index",
        "performance_index",
        "results",
        "count",
        "next",
        "average",
        "date",
        "value",
        "cost",
        "mentor_id",
        "id",
        "rows",
        "overtime",
        "points",
        "summary",
        "totals",
        "analytics",
        "external",
        "enrollments",
        "mentor_name",
        "mentor_unique_id",
        "total_cost",
        "conversation_count",
        "model",
        "providedModelName",
        "latency_p95",
        "totalCostSum",
        "enabled",
        "max_cost_usd",
        "current_spend_usd",
        "remaining_usd",
        "is_exceeded",
        "interval_type",
        "avg_rating",
        "messages",
        "this_month",
        "user_queries",
        "average_sentiment_score",
        "2026-05-05",
        "2026-05-06",
        "2026-05-06T00:00:00Z",
        "2026-04-01T00:00:00Z",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), max_size=4),
    st.sampled_from(
        [
            "2026-05-05",
            "2026-05-05T00:00:00+99:99",
            "2026-13-45",
            "1,234",
            " 7 ",
            "1e999",
            "NaN",
            "N/A",
            "-0",
            "..",
            "%",
            "\ud800",
            "9" * 50,
            "jane@example.org",
        ]
    ),
    st.just("course-v1:Acme+Bio101+2026"),
)
NUMBERS = st.one_of(
    st.integers(-5, 500),
    st.floats(),
    st.integers(10**300, 10**310),
    st.sampled_from([1e15, 1e16, 1e308, -1e308, 2**63, 5e-324, 10**400]),
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS | TEXTS, inner, max_size=5),
    max_leaves=30,
)

_ROW = st.dictionaries(MEMBERS, JSON, max_size=6)
_ROWS = st.lists(_ROW | SCALARS, max_size=4)
_DATED_ROWS = st.lists(
    st.fixed_dictionaries(
        {"date": st.sampled_from(["2026-05-05", "2026-05-06T00:00:00Z"]) | TEXTS},
        optional=dict.fromkeys(
            ("value", "total_sessions", "avg_messages", "conversation_count"), NUMBERS | SCALARS
        ),
    ),
    max_size=4,
)
_DAYS = st.dictionaries(MEMBERS | TEXTS, NUMBERS | TEXTS | st.none(), max_size=6)
_PAGES = st.dictionaries(MEMBERS, NUMBERS | TEXTS, max_size=4)
RESPONSES = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {}, optional={"data": _ROWS | _DAYS | JSON, "total": JSON, "pagination": _PAGES | JSON}
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "value": SCALARS,
            "overtime": _DATED_ROWS | JSON,
            "points": _DATED_ROWS | JSON,
            "results": _ROWS | JSON,
            "rows": _ROWS | JSON,
            "summary": _ROW | JSON,
            "avg_rating": _ROW | JSON,
            "messages": _ROW | JSON,
            "count": SCALARS,
        },
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "enabled": SCALARS,
            "max_cost_usd": SCALARS,
            "current_spend_usd": SCALARS,
            "remaining_usd": SCALARS,
            "is_exceeded": SCALARS,
            "interval_type": SCALARS,
        },
    ),
    _ROWS,
    _DATED_ROWS,
    st.lists(_DATED_ROWS, max_size=2),
)
BODIES = st.one_of(
    st.binary(max_size=200),
    RESPONSES.map(lambda response: json.dumps(response).encode("utf-8", "surrogatepass")),
    RESPONSES.map(
        lambda response: json.dumps(response, ensure_ascii=False).encode("utf-8", "replace")
    ),
)
"""Bodies of responses: any bytes, and JSON with and without escapes."""
