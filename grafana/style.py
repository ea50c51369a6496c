"""The visual language: one colour, unit and precision for a figure, wherever it is drawn."""

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

HOUR = 3600

COUNT = "locale"
RATE = "reqps"
SECONDS = "s"
SHARE = "percentunit"
BYTES = "bytes"
NUMBER = "short"
MONEY = "currencyUSD"
TEXT = "string"
"""Of what is read as it stands: an org may be called 2026, which is no number."""

GOOD = "green"
WATCH = "orange"
BAD = "red"
WORST = "dark-red"
PLAIN = "text"
USUAL = "#8E8E8E"
STICKINESS = "#64748B"

MISSING = "no data"
ABSENT = "–"
"""What a cell of a table shows for a figure that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure as people see it.

    `short` is its name over a narrow column, `weight` what a mean over orgs is weighted by, and
    `scale` what one of it is in the metric: hours are shown, of seconds.
    """

    title: str
    short: str
    source: Windowed
    colour: str
    meaning: str
    unit: str = COUNT
    decimals: int = 0
    weight: Windowed | None = None
    scale: int = 1


ACTIVE_USERS = Figure(
    title="Active users",
    short="Users",
    source=catalog.ACTIVE_USERS,
    colour="#3B82F6",
    meaning="Unique users who were active. Somebody active in two orgs counts in both.",
)
ENROLLMENTS = Figure(
    title="Enrolments",
    short="Enrolments",
    source=catalog.ENROLLMENTS,
    colour="#8B5CF6",
    meaning="New enrolments in courses.",
)
UNENROLLMENTS = Figure(
    title="Unenrolments",
    short="Unenrolments",
    source=catalog.UNENROLLMENTS,
    colour="#DB5FA7",
    meaning="Enrolments that were given up.",
)
VIDEOS = Figure(
    title="Videos watched",
    short="Videos",
    source=catalog.VIDEO_COMPLETIONS,
    colour="#0EA5A4",
    meaning="Videos watched, all courses together.",
)
SESSIONS = Figure(
    title="Chat sessions",
    short="Sessions",
    source=catalog.CHAT_SESSIONS,
    colour="#B7791F",
    meaning="Conversations with AI mentors.",
)
MESSAGES = Figure(
    title="Messages per session",
    short="Messages",
    source=catalog.AVG_MESSAGES,
    colour="#E0703B",
    meaning="Mean messages in a conversation with an AI mentor, weighted by sessions.",
    unit=NUMBER,
    decimals=1,
    weight=catalog.CHAT_SESSIONS,
)

TIME = Figure(
    title="Hours of learning",
    short="Hours",
    source=catalog.TIME_SPENT,
    colour="#0284C7",
    meaning="Hours that learners spent, all together.",
    scale=HOUR,
)
COMPLETIONS = Figure(
    title="Completions",
    short="Completions",
    source=catalog.COMPLETIONS,
    colour="#6B8E23",
    meaning="Courses that learners completed.",
)
CONVERSATIONS = Figure(
    title="Conversations",
    short="Conversations",
    source=catalog.CONVERSATIONS,
    colour="#B58900",
    meaning="Conversations of people with agents.",
)
COST = Figure(
    title="Cost",
    short="Cost",
    source=catalog.COST,
    colour="#D6336C",
    meaning="What agents cost, in US dollars.",
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
"""The figures that have a baseline and an alert on a drop."""

WINDOWS = {"today": "Today so far", "1d": "Yesterday", "7d": "7 days", "28d": "28 days"}
WINDOW_COLOURS = {"today": "#93C5FD", "1d": "#60A5FA", "7d": "#3B82F6", "28d": "#1D4ED8"}

COMPLETE_DAYS = (
    "Windows are complete days in the org's own time zone and end yesterday, so a morning never "
    "looks like a drop."
)
THE_USUAL = (
    "Usual is the median of the same weekdays 1 to 4 weeks earlier, from the platform's history."
)
SHARE_COLOURS = (
    "Green from 80 % of the usual, orange from 60 %, red below that (the default of the alerts), "
    "dark red below 20 % (collapse)."
)
CHANGE_COLOURS = (
    "Green to -20 %, orange to -40 %, red below that (the default of the alerts), dark red below "
    "-80 % (collapse)."
)


def steps(base: str, *others: tuple[float, str]) -> ThresholdsConfig:
    """Return thresholds: `base` from minus infinity, then each colour from its value up."""
    return ThresholdsConfig(
        steps=[Threshold(value=None, color=base), *(Threshold(value=v, color=c) for v, c in others)]
    )


def plain(colour: str = PLAIN) -> ThresholdsConfig:
    """Return thresholds that say nothing: one colour."""
    return steps(colour)


OF_USUAL = steps(WORST, (0.2, BAD), (0.6, WATCH), (0.8, GOOD))

# Nothing falls by more than all of it. A base of minus infinity would be null in the JSON, which
# Grafana compares as 0 where it stands in an override: every fall would be of the base's colour.
CHANGE = ThresholdsConfig(
    steps=[
        Threshold(value=value, color=colour)
        for value, colour in ((-1, WORST), (-0.8, BAD), (-0.4, WATCH), (-0.2, GOOD))
    ]
)
NONE_IS_GOOD = steps(GOOD, (1, BAD))
SOME_ERRORS = steps(GOOD, (0.01, WATCH), (0.05, BAD))

# By default figures of complete days are polled hourly and those of today every five minutes, and
# figures are served for three times that at most.
DROPPED_AFTER = 3 * HOUR
DROPPED_AFTER_TODAY = HOUR // 4
AGE = steps(GOOD, (DROPPED_AFTER * 2 / 3, WATCH), (DROPPED_AFTER, BAD))
AGE_TODAY = steps(GOOD, (DROPPED_AFTER_TODAY * 2 / 3, WATCH), (DROPPED_AFTER_TODAY, BAD))


def absent() -> ValueMapping:
    """Return the mapping of what is not there."""
    return SpecialValueMap(
        options=DashboardSpecialValueMapOptions(
            match=SpecialValueMatch.NULL,
            result=ValueMappingResult(text=ABSENT, color=USUAL),
        )
    )


def labels(texts: dict[str, tuple[str, str]]) -> list[ValueMapping]:
    """Return the mapping of single values to a text and a colour."""
    return [
        ValueMap(
            options={
                value: ValueMappingResult(text=text, color=colour, index=index)
                for index, (value, (text, colour)) in enumerate(texts.items())
            }
        )
    ]
