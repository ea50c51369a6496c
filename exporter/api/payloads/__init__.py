"""What comes in: tolerant readers of each payload.

Every payload is hostile until read. A reader returns figures or raises `PayloadError`, and
never anything else. One odd row or day costs itself alone: it is noted as a flaw, and the
rest is used. "Not given" is None and never 0. Text that names a person is not kept.
"""

from exporter.api.payloads.figures import Figures, Size, read_figures, read_size
from exporter.api.payloads.lists import (
    CoursePage,
    LearnerPage,
    Pagination,
    read_courses,
    read_learners,
)
from exporter.api.payloads.parts import NAMELESS, Parts, read_parts
from exporter.api.payloads.series import (
    Bucket,
    Daily,
    Sessions,
    read_costs,
    read_counts,
    read_daily,
    read_sessions,
)
from exporter.api.payloads.values import (
    MAX_ID,
    MAX_NAME,
    MAX_TITLE,
    Flaws,
    PayloadError,
    Reason,
)

__all__ = [
    "MAX_ID",
    "MAX_NAME",
    "MAX_TITLE",
    "NAMELESS",
    "Bucket",
    "CoursePage",
    "Daily",
    "Figures",
    "Flaws",
    "LearnerPage",
    "Pagination",
    "Parts",
    "PayloadError",
    "Reason",
    "Sessions",
    "Size",
    "read_costs",
    "read_counts",
    "read_courses",
    "read_daily",
    "read_figures",
    "read_learners",
    "read_parts",
    "read_sessions",
    "read_size",
]
