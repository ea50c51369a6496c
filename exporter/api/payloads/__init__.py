"""Parsers of the API's responses, one for each shape.

A parser returns values or raises `PayloadError`, and nothing else, whatever the body. An invalid
row or day is counted in `errors`, and the rest is used. "Not returned" is None and never 0. Text
that names a person is not kept.
"""

from exporter.api.payloads.days import ByDay
from exporter.api.payloads.events import (
    Bucket,
    Counts,
    Events,
    Sessions,
    parse_counts,
    parse_points,
    parse_sessions,
)
from exporter.api.payloads.fields import (
    Number,
    Size,
    Values,
    parse_size,
    parse_total_cost,
    parse_values,
)
from exporter.api.payloads.lists import (
    CoursePage,
    LearnerPage,
    Pagination,
    parse_courses,
    parse_learners,
)
from exporter.api.payloads.parts import NAMELESS, Part, Parts, parse_parts, sum_by_name
from exporter.api.payloads.series import Daily, parse_costs, parse_daily
from exporter.api.payloads.usage import LlmUsage, SpendCap, parse_llm_usage, parse_spend_cap
from exporter.api.payloads.v2 import (
    ContentPage,
    parse_content,
    parse_headline,
    parse_messages_summary,
    parse_topics_overview,
    parse_v2_users,
)
from exporter.api.payloads.values import (
    MAX_DISPLAY_NAME,
    MAX_ID,
    MAX_NAME,
    PayloadError,
    PayloadErrors,
    Reason,
)

__all__ = [
    "MAX_DISPLAY_NAME",
    "MAX_ID",
    "MAX_NAME",
    "NAMELESS",
    "Bucket",
    "ByDay",
    "ContentPage",
    "Counts",
    "CoursePage",
    "Daily",
    "Events",
    "LearnerPage",
    "LlmUsage",
    "Number",
    "Pagination",
    "Part",
    "Parts",
    "PayloadError",
    "PayloadErrors",
    "Reason",
    "Sessions",
    "Size",
    "SpendCap",
    "Values",
    "parse_content",
    "parse_costs",
    "parse_counts",
    "parse_courses",
    "parse_daily",
    "parse_headline",
    "parse_learners",
    "parse_llm_usage",
    "parse_messages_summary",
    "parse_parts",
    "parse_points",
    "parse_sessions",
    "parse_size",
    "parse_spend_cap",
    "parse_topics_overview",
    "parse_total_cost",
    "parse_v2_users",
    "parse_values",
    "sum_by_name",
]
