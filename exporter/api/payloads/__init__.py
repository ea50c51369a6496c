"""Parsers of the API's responses, one for each shape.

A parser returns values or raises `PayloadError`, and never anything else, whatever the body.
An invalid row or day costs only itself: it is counted in `errors`, and the rest is used. "Not
returned" is None and never 0. Text that names a person is not kept.
"""

from exporter.api.payloads.days import ByDay
from exporter.api.payloads.events import (
    Bucket,
    Counts,
    Events,
    Sessions,
    read_counts,
    read_points,
    read_sessions,
)
from exporter.api.payloads.fields import (
    Number,
    Size,
    Values,
    read_size,
    read_total_cost,
    read_values,
)
from exporter.api.payloads.lists import (
    CoursePage,
    LearnerPage,
    Pagination,
    read_courses,
    read_learners,
)
from exporter.api.payloads.parts import NAMELESS, Part, Parts, read_parts, sum_by_name
from exporter.api.payloads.series import Daily, read_costs, read_daily
from exporter.api.payloads.usage import LlmUsage, SpendCap, read_llm_usage, read_spend_cap
from exporter.api.payloads.v2 import (
    ContentPage,
    read_content,
    read_headline,
    read_messages_summary,
    read_topics_overview,
    read_v2_users,
)
from exporter.api.payloads.values import (
    MAX_ID,
    MAX_NAME,
    MAX_TITLE,
    PayloadError,
    PayloadErrors,
    Reason,
)

__all__ = [
    "MAX_ID",
    "MAX_NAME",
    "MAX_TITLE",
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
    "read_content",
    "read_costs",
    "read_counts",
    "read_courses",
    "read_daily",
    "read_headline",
    "read_learners",
    "read_llm_usage",
    "read_messages_summary",
    "read_parts",
    "read_points",
    "read_sessions",
    "read_size",
    "read_spend_cap",
    "read_topics_overview",
    "read_total_cost",
    "read_v2_users",
    "read_values",
    "sum_by_name",
]
