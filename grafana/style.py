"""The visual language: one color, unit and precision for a measure on every dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass

from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsConfig,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from exporter import catalog
from exporter.catalog import Windowed

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

COUNT = "locale"
RATE = "reqps"
SECONDS = "s"
MINUTES = "suffix:min"
"""As minutes for all sizes: on an axis `m` says "1 hours" twice."""
SHARE = "percentunit"
BYTES = "bytes"
NUMBER = "short"
MONEY = "currencyUSD"
TEXT = "string"
"""The unit of labels: an org may have the name 2026, which is no number."""

GOOD = "green"
WATCH = "orange"
BAD = "red"
WORST = "dark-red"
PLAIN = "text"
GRAY = "#8E8E8E"
STICKINESS = "#64748B"

MISSING = "no data"
ABSENT = "–"
"""What a cell of a table shows for a value that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure as dashboards show it.

    `short` is its name over a narrow column, `collector` what its values come from, `weight` what
    a mean over orgs is weighted by, and `scale` the unit shown in units of the metric: hours are
    shown of seconds.
    """

    title: str
    short: str
    source: Windowed
    collector: str
    color: str
    meaning: str
    unit: str = COUNT
    decimals: int = 0
    weight: Windowed | None = None
    scale: int = 1


ACTIVE_USERS = Measure(
    title="Active users",
    short="Users",
    source=catalog.ACTIVE_USERS,
    collector="active_users",
    color="#3B82F6",
    meaning="Unique users with course activity; a user of two orgs counts in both.",
)
ENROLLMENTS = Measure(
    title="Enrollments",
    short="Enrollments",
    source=catalog.ENROLLMENTS,
    collector="enrollments",
    color="#8B5CF6",
    meaning="New enrollments in courses.",
)
UNENROLLMENTS = Measure(
    title="Unenrollments",
    short="Unenrolled",
    source=catalog.UNENROLLMENTS,
    collector="enrollments",
    color="#DB5FA7",
    meaning="Enrollments that ended.",
)
VIDEOS = Measure(
    title="Videos completed",
    short="Videos",
    source=catalog.VIDEO_COMPLETIONS,
    collector="videos",
    color="#0EA5A4",
    meaning="Videos completed by learners.",
)
SESSIONS = Measure(
    title="Chat sessions",
    short="Sessions",
    source=catalog.CHAT_SESSIONS,
    collector="chat",
    color="#B7791F",
    meaning="Chat sessions with agents.",
)
MESSAGES = Measure(
    title="Messages per session",
    short="Messages",
    source=catalog.AVG_MESSAGES,
    collector="chat",
    color="#E0703B",
    meaning="Mean messages per chat session, weighted by sessions.",
    unit=NUMBER,
    decimals=1,
    weight=catalog.CHAT_SESSIONS,
)
TIME = Measure(
    title="Learning hours",
    short="Hours",
    source=catalog.TIME_SPENT,
    collector="time",
    color="#0284C7",
    meaning="Hours that all learners spent.",
    scale=HOUR,
)
COMPLETIONS = Measure(
    title="Completions",
    short="Completed",
    source=catalog.COMPLETIONS,
    collector="completions",
    color="#6B8E23",
    meaning="Courses completed by learners.",
)
CONVERSATIONS = Measure(
    title="Conversations",
    short="Conversations",
    source=catalog.CONVERSATIONS,
    collector="conversations",
    color="#B58900",
    meaning="Conversations with agents.",
)
AGENT_USERS = Measure(
    title="Agent users",
    short="Agent users",
    source=catalog.AGENT_USERS,
    collector="agent_users",
    color="#7C3AED",
    meaning="Unique users of agents.",
)
REGISTRATIONS = Measure(
    title="Registrations",
    short="Registered",
    source=catalog.REGISTRATIONS,
    collector="registrations",
    color="#A855F7",
    meaning="New registrations with the orgs.",
)
COST = Measure(
    title="Cost",
    short="Cost",
    source=catalog.COST,
    collector="costs",
    color="#D6336C",
    meaning="Cost of agents in US dollars, as the platform charges it.",
    unit=MONEY,
    decimals=2,
)

HEADLINES = (ACTIVE_USERS, ENROLLMENTS, VIDEOS, MESSAGES)
WATCHED = (
    ACTIVE_USERS,
    ENROLLMENTS,
    VIDEOS,
    SESSIONS,
    MESSAGES,
    TIME,
    COMPLETIONS,
    CONVERSATIONS,
)
"""The measures of engagement that have an expected range in both windows."""

ENGAGEMENT = (*WATCHED, AGENT_USERS)
"""The measures of engagement: a drop of one of them is a drop of engagement."""

WINDOWS = {"today": "Today", "1d": "Yesterday", "7d": "7 days", "28d": "28 days"}
WINDOW_COLORS = {"today": "#93C5FD", "1d": "#60A5FA", "7d": "#3B82F6", "28d": "#1D4ED8"}

EXPECTED = "expected"
LOW = "alert threshold"
BOUND = "lower bound"
"""The end of the expected range of a measure without alerts."""

COMPLETE_DAYS = (
    "Windows are complete days in the org's time zone and end yesterday, so a morning never looks "
    "like a drop."
)


def steps(base: str, *others: tuple[float, str]) -> ThresholdsConfig:
    """Return thresholds: `base` from minus infinity, then each color from its value up."""
    return ThresholdsConfig(
        steps=[Threshold(value=None, color=base), *(Threshold(value=v, color=c) for v, c in others)]
    )


def plain(color: str = PLAIN) -> ThresholdsConfig:
    """Return thresholds of one color."""
    return steps(color)


def from_all(base: str, *others: tuple[float, str]) -> ThresholdsConfig:
    """Return thresholds of a change: `base` from -100 %, then each color from its value up.

    Nothing falls by more than all of it. A base of minus infinity would be null in the JSON, which
    Grafana compares as 0 where it stands in an override: every drop would be of the base's color.
    """
    return ThresholdsConfig(
        steps=[Threshold(value=value, color=color) for value, color in ((-1, base), *others)]
    )


CHANGE = from_all(WORST, (-0.8, BAD), (-0.4, WATCH), (-0.2, GOOD))
NONE_IS_GOOD = steps(GOOD, (1, BAD))
SOME_ERRORS = steps(GOOD, (0.01, WATCH), (0.05, BAD))
COMPLETE = steps(BAD, (0.5, WATCH), (1, GOOD))

# By default values of complete days are polled hourly, those of today every five minutes, and
# both are served for three times that at most.
DROPPED_AFTER = 3 * HOUR
AGE = steps(GOOD, (DROPPED_AFTER * 2 / 3, WATCH), (DROPPED_AFTER, BAD))


def absent(text: str | None = ABSENT) -> ValueMapping:
    """Return the mapping of a value that does not exist; without a text it shows `noValue`."""
    return SpecialValueMap(
        options=DashboardSpecialValueMapOptions(
            match=SpecialValueMatch.NULL,
            result=ValueMappingResult(text=text, color=GRAY),
        )
    )


def texts(shown: Mapping[str, str]) -> ValueMapping:
    """Return the mapping of single values to texts."""
    return ValueMap(
        options={
            value: ValueMappingResult(text=text, index=index)
            for index, (value, text) in enumerate(shown.items())
        }
    )


def labels(texts: dict[str, tuple[str, str]]) -> list[ValueMapping]:
    """Return the mapping of single values to a text and a color."""
    return [
        ValueMap(
            options={
                value: ValueMappingResult(text=text, color=color, index=index)
                for index, (value, (text, color)) in enumerate(texts.items())
            }
        )
    ]
