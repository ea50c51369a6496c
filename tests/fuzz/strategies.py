"""Hostile material: JSON that looks a little like an answer, and YAML like a configuration."""

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
        "2026-05-05",
        "2026-05-06",
        "2026-04-01T00:00:00Z",
    ]
)
TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), max_size=4),
    st.sampled_from(
        ["2026-05-05", "2026-05-05T00:00:00+99:99", "1,234", " 7 ", "1e999", "NaN", "-0", "..", "%"]
    ),
    st.just("course-v1:Acme+Bio101+2026"),
)
NUMBERS = st.one_of(
    st.integers(-5, 500),
    st.floats(),
    st.integers(10**300, 10**310),
    st.sampled_from([1e15, 1e16, 1e308, -1e308, 2**63, 5e-324]),
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS | TEXTS, inner, max_size=5),
    max_leaves=30,
)

_ROWS = st.lists(st.dictionaries(MEMBERS, JSON, max_size=6), max_size=4)
_DAYS = st.dictionaries(MEMBERS | TEXTS, NUMBERS | TEXTS | st.none(), max_size=6)
_PAGES = st.dictionaries(MEMBERS, NUMBERS | TEXTS, max_size=4)
ANSWERS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {}, optional={"data": _ROWS | _DAYS | JSON, "total": JSON, "pagination": _PAGES | JSON}
    ),
    _ROWS,
)
