"""What an entry of the catalog is: a metric, or a figure that exists once for each window."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint
from exporter.windows import BASELINES, TODAY, WINDOWS

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
    EXPORTER = "The exporter itself"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `labels` are in the order in which samples give their values."""

    name: str
    help: str
    labels: tuple[str, ...]
    area: Area
    kind: Kind = Kind.GAUGE
    source: str = ""
    people: bool = False
    """Counts persons, so that `min_group_size` applies to it."""

    @property
    def is_share(self) -> bool:
        """Whether the API gives it on its scale of percent fields."""
        return "_ratio" in self.name


@dataclass(frozen=True, slots=True)
class Windowed:
    """A figure that exists once for each window, and as a baseline for some of them."""

    name: str
    counts: str
    labels: tuple[str, ...]
    area: Area
    endpoint: Endpoint
    windows: tuple[str, ...] = (TODAY, *WINDOWS)
    baselines: tuple[str, ...] = tuple(BASELINES)
    people: bool = False
    older: Endpoint | None = None
    """Who is asked where the deployment lacks `endpoint`."""
    _metrics: Mapping[str, Metric] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        texts = {window: f"{self.counts} {_PERIOD[window]}." for window in self.windows}
        texts |= {
            f"{window}_baseline": f"What {PREFIX}{self.name}_{window} usually reads: median of "
            "the same weekdays 1 to 4 weeks earlier."
            for window in self.baselines
        }
        metrics = {suffix: self._metric(suffix, text) for suffix, text in texts.items()}
        object.__setattr__(self, "_metrics", metrics)

    @property
    def title(self) -> str:
        """What is counted, as a heading."""
        return self.counts.partition(",")[0]

    def at(self, window: str) -> Metric:
        """Return the metric of this figure over `window`."""
        return self._metrics[window]

    def baseline(self, window: str) -> Metric:
        """Return the metric of what this figure usually reads over `window`."""
        return self._metrics[f"{window}_baseline"]

    def metrics(self) -> Iterable[Metric]:
        """Return the metric of each window, then the baselines."""
        return self._metrics.values()

    def _metric(self, suffix: str, text: str) -> Metric:
        return Metric(
            name=f"{PREFIX}{self.name}_{suffix}",
            help=f"{text} {polled(self.endpoint, self.older)}",
            labels=self.labels,
            area=self.area,
            source=source(self.endpoint),
            people=self.people,
        )


_PERIOD = {
    TODAY: "today so far",
    "1d": "yesterday",
    "7d": "in the 7 complete days that end yesterday",
    "28d": "in the 28 complete days that end yesterday",
}


def polled(endpoint: Endpoint, older: Endpoint | None = None) -> str:
    """Return the sentence of HELP that says where a figure is from."""
    return f"Polled from {endpoint.template}{f' or {older.template}' if older else ''}."


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
"""The windows of figures that are asked for one by one, and say little about a single day."""

TOP = 10
"""How many topics, models, providers and agents have figures of their own."""

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
    kind: Kind = Kind.GAUGE,
    people: bool = False,
) -> Metric:
    """Return the metric of a figure that is as the API gives it."""
    return Metric(
        PREFIX + name, f"{text} {polled(endpoint)}", labels, area, kind, source(endpoint), people
    )
