"""What an entry of the catalog is: a metric, or a measure that exists once for each window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.windows import EXPECTED, TODAY, WINDOWS

PREFIX = "iblai_"


class Kind(StrEnum):
    """Type of a metric family, as exposition formats name it."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class Area(StrEnum):
    """Part of the catalog: a heading of the reference."""

    AUDIENCE = "Audience"
    VIDEOS = "Videos"
    CHAT = "Conversations with mentors"
    COURSES = "Courses"
    ENGAGEMENT = "Engagement"
    PERFORMANCE = "Performance"
    AGENTS = "Agents"
    COSTS = "Costs"
    USAGE = "Models and usage"
    EXPORTER = "The exporter itself"


@dataclass(frozen=True, slots=True)
class People:
    """How `min_group_size` applies to a metric: to its own value, or to that of its group.

    `group` names the metrics that count the same people, the closest first. A value whose group
    is not known, or too small, is withheld.
    """

    group: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exempt:
    """Why `min_group_size` does not apply to a metric."""

    reason: str


Privacy = People | Exempt

COUNT = People()
"""The value itself counts people, or things of which each belongs to one person."""

NOT_PEOPLE = Exempt("counts content, not people")
TOTAL_TIME = Exempt("a sum of time over all learners; it counts and averages nobody")
TOTAL_MESSAGES = Exempt("counts messages, conversations or sessions, not the people in them")
MONEY = Exempt("a sum of money, not of people")
OWN = Exempt("about the exporter, not about people")
NAME = Exempt("a name of a course or mentor, without a value")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `labels` are in the order in which samples give their values."""

    name: str
    help: str
    labels: tuple[str, ...]
    area: Area
    kind: Kind = Kind.GAUGE
    source: str = ""
    privacy: Privacy = OWN
    percent: bool = False
    """The API gives it on its scale of percent fields (setting `percentages`)."""


@dataclass(frozen=True, slots=True)
class Windowed:
    """A measure that exists once for each window, with an expected range for some of them.

    The window is in the name and the unit is its last part: `iblai_time_spent_7d_seconds`,
    `iblai_time_spent_7d_expected_low_seconds`.
    """

    name: str
    counts: str
    labels: tuple[str, ...]
    area: Area
    endpoint: Endpoint
    privacy: Privacy
    windows: tuple[str, ...] = (TODAY, *WINDOWS)
    expected: tuple[str, ...] = EXPECTED
    unit: str = ""
    percent: bool = False
    fallback: Endpoint | None = None
    """Where the value comes from if the deployment lacks `endpoint`."""
    note: str = ""
    """A sentence of HELP on what is easy to miss in the platform's meaning."""
    _metrics: Mapping[str, Metric] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        texts = {window: f"{self.counts} {_PERIOD[window]}" for window in self.windows}
        for window in self.expected:
            texts[f"{window}_expected"] = (
                f"Expected value of {self._name(window)}, from the org's own history"
            )
            texts[f"{window}_expected_low"] = (
                f"Lower bound of the expected range of {self._name(window)}, at the configured "
                "sensitivity"
            )
        metrics = {suffix: self._metric(suffix, text) for suffix, text in texts.items()}
        object.__setattr__(self, "_metrics", metrics)

    @property
    def title(self) -> str:
        """What is counted, as a heading."""
        return self.counts.partition(",")[0]

    def at(self, window: str) -> Metric:
        """Return the metric of this measure over `window`."""
        return self._metrics[window]

    def expected_at(self, window: str) -> Metric:
        """Return the metric of the expected value over `window`."""
        return self._metrics[f"{window}_expected"]

    def expected_low_at(self, window: str) -> Metric:
        """Return the metric of the lower bound of the expected range over `window`."""
        return self._metrics[f"{window}_expected_low"]

    def metrics(self) -> Iterable[Metric]:
        """Return the metric of each window, then those of the expected ranges."""
        return self._metrics.values()

    def _name(self, suffix: str) -> str:
        unit = f"_{self.unit}" if self.unit else ""
        return f"{PREFIX}{self.name}_{suffix}{unit}"

    def _metric(self, suffix: str, text: str) -> Metric:
        window = suffix.partition("_")[0]
        of_window = People((self._name(window),)) if "_expected" in suffix else self.privacy
        unit = f", {_UNITS[self.unit]}" if self.unit else ""
        note = f" {self.note}" if self.note and "_expected" not in suffix else ""
        return Metric(
            name=self._name(suffix),
            help=f"{text}{unit}.{note} {polled(self.endpoint, self.fallback)}",
            labels=self.labels,
            area=self.area,
            source=source(self.endpoint),
            privacy=self.privacy if isinstance(self.privacy, Exempt) else of_window,
            percent=self.percent,
        )


_PERIOD = {
    TODAY: "so far today",
    "1d": "yesterday",
    "7d": "in the 7 complete days that end yesterday",
    "28d": "in the 28 complete days that end yesterday",
}

_UNITS = {
    "seconds": "in seconds",
    "ratio": "0 to 1",
    "usd": "in US dollars",
}
"""How HELP names each unit."""


def polled(endpoint: Endpoint, fallback: Endpoint | None = None) -> str:
    """Return the sentence of HELP that names the endpoint."""
    return f"Polled from {endpoint.template}{f' or {fallback.template}' if fallback else ''}."


def source(endpoint: Endpoint) -> str:
    """Return the endpoint as the reference prints it, with its seed number if it has one."""
    seed = endpoints.SEEDS.get(endpoint)
    return f"{endpoint.template} ({seed})" if seed else endpoint.template


ORG = ("org",)
COURSE = ("org", "course_id")
MENTOR = ("org", "mentor_id")

COMPLETE = tuple(WINDOWS)
"""The windows of complete days."""

WEEKS = ("7d", "28d")
"""The windows of values that are requested one by one and say little about a single day."""

TOP = 10
"""How many topics, models, providers and agents have values of their own."""

OTHER = "other"
"""Value of the label for all those beyond the top, and those without a name."""

MEMBERS: Mapping[str, int] = {
    "quantile": 3,
    "sentiment": 3,
    **dict.fromkeys(("topic", "model", "provider", "agent"), TOP + 1),
}
"""How many values a label has at most, where the catalog knows."""


def gauge(
    name: str,
    text: str,
    labels: tuple[str, ...],
    area: Area,
    endpoint: Endpoint,
    *,
    privacy: Privacy,
    kind: Kind = Kind.GAUGE,
    percent: bool = False,
    fallback: Endpoint | None = None,
) -> Metric:
    """Return the metric of a value that is exported as the API returns it."""
    return Metric(
        PREFIX + name,
        f"{text} {polled(endpoint, fallback)}",
        labels,
        area,
        kind,
        source(endpoint),
        privacy,
        percent,
    )
