"""The schema of the configuration: every setting with its type, default and description.

Instances are plain values. Only `load` validates, with the types in the annotations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from exporter.settings import fields as types
from exporter.settings.keyfile import KeyFile

EXTRAS = ("learning", "agents", "costs", "usage")
"""Groups of collectors beside the core ones, which are always on."""

ALL_MENTORS = "all"
"""The entry of `mentors` that stands for every mentor of the platform."""

STALENESS_INTERVALS = 3
"""Intervals for which the last value is served, unless `max_staleness` is set."""

STALENESS_AT_LEAST = 2
"""Intervals for which it is served at least: one late response must not be a gap."""


def _all_or_list(value: object) -> object:
    """Return the list that `mentors: all` stands for."""
    return [value] if value == ALL_MENTORS else value


@dataclass(frozen=True, kw_only=True, slots=True)
class Courses:
    """Which courses have metrics of their own."""

    include: types.Regexp = ".*"
    """Courses whose whole `course_id` matches have metrics of their own."""
    exclude: types.Regexp = ""
    """Of those, courses that match are left out."""
    enrollments: bool = True
    """Whether enrollments are collected, with two requests per course."""
    _include: types.Pattern | None = field(init=False, repr=False, compare=False)
    _exclude: types.Pattern | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        include = None if self.include == ".*" else types.pattern(self.include)
        exclude = types.pattern(self.exclude) if self.exclude else None
        object.__setattr__(self, "_include", include)
        object.__setattr__(self, "_exclude", exclude)

    def wants(self, course_id: str) -> bool:
        """Return whether a course has metrics of its own."""
        if self._include is not None and not self._include.fullmatch(course_id):
            return False
        return self._exclude is None or not self._exclude.fullmatch(course_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Alerts:
    """How unusual a low value must be before an alert fires."""

    sensitivity: types.Sensitivity = "normal"
    """low, normal, high, or the accepted number of false alerts per metric and year: the lower
    bound of the expected range follows from it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Org:
    """One tenant of the platform, with every setting that applies to it."""

    key: types.OrgKey
    """The org's key on the platform (`platform_key`)."""
    user_id: types.UserId = ""
    """User name or id that the key belongs to; part of some paths."""
    api_key: types.Secret | None = None
    """The API key. Better: `api_key_file`, `secrets_dir` or the environment."""
    api_key_file: types.FilePath | None = None
    """File that holds the API key alone; read again when it changes."""
    base_url: types.Url = "https://base.manager.iblai.app"
    """Address of the API; a path prefix is kept."""
    auth_scheme: types.Scheme = "Api-Token"
    """Word before the key in the Authorization header; "" for none."""
    timezone: types.Zone = "UTC"
    """Time zone in which the platform counts days."""
    interval: types.Interval = 300.0
    """How often values of today are polled."""
    history_interval: types.Interval = 3600.0
    """How soon a change in complete days is noticed."""
    max_staleness: types.Interval | None = None
    """How long the last value is served; unset: 3 intervals of its collector. Never less than
    twice that interval."""
    range_end: Literal["inclusive", "exclusive"] = "inclusive"
    """Whether the API counts `end_date` in; `check --live` finds out."""
    learner_indexes: bool = False
    """Whether quantiles of the learners' indexes are read (all pages)."""
    include_main_platform: bool = True
    """Whether data of the main platform is included."""
    department_id: Annotated[int, types.whole(0, 10**12)] | None = None
    """Department that learning metrics are limited to."""
    courses: Courses = Courses()
    extras: Annotated[tuple[types.Extra, ...], types.Unique] = ()
    """Groups of collectors to add: learning, agents, costs, usage."""
    topics: bool = False
    """Whether names of topics, which come from learners' chats, are labels."""
    mentors: Annotated[tuple[types.Text, ...], types.Unique, BeforeValidator(_all_or_list)] = ()
    """Ids of mentors with metrics of their own, or `all` of the platform's."""
    percentages: Literal["percent", "ratio"] = "percent"
    """Scale of the API's percent fields: 0 to 100, or 0 to 1 already."""
    series_limit: Annotated[int, types.whole(1, 10**7)] = 20_000
    """Series of an org; `iblai_exporter_series_dropped` counts those beyond."""
    min_group_size: Annotated[int, types.whole(0, 10**6)] = 0
    """Values that count or average fewer people are withheld; 0 is served."""
    labels: Mapping[types.LabelName, types.LabelValue] = field(default_factory=dict)
    """Extra constant labels on every series of the org."""
    collectors: Mapping[str, bool] = field(default_factory=dict)
    """Collectors to switch off (or on), by name."""
    alerts: Alerts = Alerts()
    quiet_days: tuple[types.QuietDays, ...] = ()
    """Holidays and breaks: days, or ranges of days, with the days next to them."""
    zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _key_file: KeyFile | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key_file = KeyFile(self.api_key_file) if self.api_key_file else None
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        object.__setattr__(self, "_key_file", key_file)

    def __hash__(self) -> int:
        return hash((self.key, self.base_url))

    def constants(self) -> dict[str, str]:
        """Return the labels of every series of the org."""
        return {"org": self.key, **self.labels}

    def staleness(self, interval: float) -> float:
        """Return the seconds for which a value polled every `interval` seconds is served."""
        wanted = self.max_staleness or STALENESS_INTERVALS * interval
        return max(wanted, STALENESS_AT_LEAST * interval)

    @property
    def discovers_mentors(self) -> bool:
        """Whether every mentor of the platform has metrics of its own."""
        return self.mentors == (ALL_MENTORS,)

    def is_quiet(self, day: date) -> bool:
        """Return whether drops are expected on a day."""
        return any(day in span for span in self.quiet_days)

    def secret(self) -> str:
        """Return the API key.

        Raises OSError (`filename` and `strerror` name the file and the remedy) or ValueError
        with a text that names both, and never the key.
        """
        if self.api_key is not None:
            return self.api_key.get_secret_value()
        if self._key_file is None:
            raise ValueError("no API key; set api_key_file, api_key or secrets_dir")
        return self._key_file.read()


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiLimits:
    """Limits on requests. They hold for each host, for all its orgs together."""

    timeout: types.Duration = 30.0
    """Time for a whole request, body included."""
    concurrency: Annotated[int, types.whole(1, 1000)] = 8
    """Requests to one host at the same time."""
    rate_limit: Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)] = 20.0
    """Requests to one host per second."""
    retries: Annotated[int, types.whole(0, 10)] = 3
    """Further attempts after 429, 5xx and network errors."""
    max_body: types.Size = 16 * 2**20
    """Largest response that is read, unpacked."""
    page_size: Annotated[int, types.whole(1, 10_000)] = 100
    """Rows requested per page of a list."""
    tls_strict: bool = False
    """Whether CA certificates must follow RFC 5280 to the letter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Web:
    """Where and how metrics are served."""

    listen_address: types.Address = ":10880"
    """Host and port; without host, every address."""
    config_file: types.FilePath | None = None
    """TLS, passwords and headers, in the format of the exporter-toolkit."""
    enable_reload: bool = False
    """Whether `POST /-/reload` is allowed."""
    external_url: types.Url | None = None
    """Address under which people reach the exporter, behind a proxy."""
    route_prefix: types.Route | None = None
    """Path below which all pages are served, too; unset: that of `external_url`."""
    grafana_url: types.Url | None = None
    """Address of Grafana, for links from an org's page to its dashboard."""
    max_connections: Annotated[int, types.whole(1, 100_000)] = 100
    """Connections open at a time; idle ones give way to new ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """What is logged, on standard error."""

    level: types.Level = "info"
    """The least important lines that are written."""
    format: Literal["logfmt", "json"] = "logfmt"
    """The format of a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """The configuration. Each org has the defaults of the top level applied."""

    orgs: tuple[Org, ...]
    api: ApiLimits = ApiLimits()
    web: Web = Web()
    log: Log = Log()
    secrets_dir: types.FilePath | None = None
    """Directory with a file per org, named as its key, that holds its key."""
    state_dir: types.FilePath | None = None
    """Directory for one SQLite file that survives restarts; unset keeps state in memory."""
    orgs_dir: types.FilePath | None = None
    """Directory of YAML files, each with one org or a list of orgs."""
    warnings: tuple[str, ...] = ()
