"""What an operator may set: every setting with its kind, its default and its description."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, SecretStr

from exporter.settings import fields as kinds
from exporter.settings.keyfile import KeyFile
from exporter.windows import Span

EXTRAS = ("learning", "agents", "costs", "usage")
"""Groups of collectors beside the core ones, which are always on."""

ALL_MENTORS = "all"
"""The entry of `mentors` that stands for every mentor of the platform."""

STALENESS_INTERVALS = 3
"""Intervals for which a last good value is served, unless an org says otherwise."""

STALENESS_AT_LEAST = 2
"""Intervals for which it is served at least: one late response must not be a gap."""


def _all_or_list(value: object) -> object:
    """Return the list that `mentors: all` stands for."""
    return [value] if value == ALL_MENTORS else value


@dataclass(frozen=True, kw_only=True, slots=True)
class Courses:
    """Which courses have metrics of their own."""

    include: Annotated[
        str,
        kinds.REGEXP,
        Field(description="Courses whose whole `course_id` matches have metrics of their own."),
    ] = ".*"
    exclude: Annotated[
        str, kinds.REGEXP, Field(description="Of those, courses that match are left out.")
    ] = ""
    enrollments: Annotated[
        bool,
        kinds.SWITCH,
        Field(description="Whether enrollments are collected, with two requests per course."),
    ] = True
    _include: kinds.Pattern | None = field(init=False, repr=False, compare=False)
    _exclude: kinds.Pattern | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exclude = kinds.pattern(self.exclude) if self.exclude else None
        include = None if self.include == ".*" else kinds.pattern(self.include)
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

    sensitivity: Annotated[
        str,
        kinds.SENSITIVITY,
        Field(
            description="low, normal, high, or the accepted number of false alerts per metric "
            "and year: the lower bound of the expected range follows from it."
        ),
    ] = "normal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Org:
    """One tenant of the platform, with all that applies to it."""

    key: Annotated[
        str, kinds.NAME, Field(description="The org's key on the platform (`platform_key`).")
    ]
    user_id: Annotated[
        str,
        kinds.TEXT,
        Field(description="User name or id that the key belongs to; part of some paths."),
    ] = ""
    api_key: Annotated[
        SecretStr | None,
        kinds.SECRET,
        Field(description="The API key. Better: `api_key_file`, `secrets_dir` or the environment."),
    ] = None
    api_key_file: Annotated[
        Path | None,
        kinds.PATH,
        Field(description="File that holds the API key alone; read again when it changes."),
    ] = None
    base_url: Annotated[
        str, kinds.URL, Field(description="Address of the API; a path prefix is kept.")
    ] = "https://base.manager.iblai.app"
    auth_scheme: Annotated[
        str,
        kinds.SCHEME,
        Field(description='Word before the key in the Authorization header; "" for none.'),
    ] = "Api-Token"
    timezone: Annotated[
        str, kinds.ZONE, Field(description="Time zone in which the platform counts days.")
    ] = "UTC"
    interval: Annotated[
        float, kinds.RHYTHM, Field(description="How often values of today are polled.")
    ] = 300.0
    history_interval: Annotated[
        float,
        kinds.RHYTHM,
        Field(description="How soon a change in complete days is noticed."),
    ] = 3600.0
    max_staleness: Annotated[
        float | None,
        kinds.maybe(kinds.RHYTHM),
        Field(
            description="How long the last value is served; unset: 3 intervals of its collector. "
            "Never less than twice that interval."
        ),
    ] = None
    range_end: Annotated[
        Literal["inclusive", "exclusive"],
        kinds.one_of("inclusive", "exclusive"),
        Field(description="Whether the API counts `end_date` in; `check --live` finds out."),
    ] = "inclusive"
    learner_indexes: Annotated[
        bool,
        kinds.SWITCH,
        Field(description="Whether quantiles of the learners' indexes are read (all pages)."),
    ] = False
    include_main_platform: Annotated[
        bool, kinds.SWITCH, Field(description="Whether data of the main platform is included.")
    ] = True
    department_id: Annotated[
        int | None,
        kinds.maybe(kinds.whole(0, 10**12)),
        Field(description="Department that learning metrics are limited to."),
    ] = None
    courses: Courses = Courses()
    extras: Annotated[
        tuple[Annotated[str, kinds.one_of(*EXTRAS)], ...],
        Field(description="Groups of collectors to add: learning, agents, costs, usage."),
    ] = ()
    topics: Annotated[
        bool,
        kinds.SWITCH,
        Field(description="Whether names of topics, which come from learners' chats, are labels."),
    ] = False
    mentors: Annotated[
        tuple[Annotated[str, kinds.TEXT], ...],
        BeforeValidator(_all_or_list),
        Field(description="Ids of mentors with metrics of their own, or `all` of the platform's."),
    ] = ()
    percentages: Annotated[
        Literal["percent", "ratio"],
        kinds.one_of("percent", "ratio"),
        Field(description="Scale of the API's percent fields: 0 to 100, or 0 to 1 already."),
    ] = "percent"
    series_limit: Annotated[
        int,
        kinds.whole(1, 10**7),
        Field(description="Series of an org; `iblai_exporter_series_dropped` counts those beyond."),
    ] = 20_000
    min_group_size: Annotated[
        int,
        kinds.whole(0, 10**6),
        Field(description="Values that count or average fewer people are withheld; 0 is served."),
    ] = 0
    labels: Annotated[
        Mapping[Annotated[str, kinds.LABEL_NAME], Annotated[str, kinds.LABEL_VALUE]],
        Field(description="Extra constant labels on every series of the org."),
    ] = field(default_factory=dict)
    collectors: Annotated[
        Mapping[str, Annotated[bool, kinds.SWITCH]],
        Field(description="Collectors to switch off (or on), by name."),
    ] = field(default_factory=dict)
    alerts: Alerts = Alerts()
    quiet_days: Annotated[
        tuple[Annotated[Span, kinds.QUIET], ...],
        Field(
            description="Holidays and breaks: days, or ranges of days, with the days next to them."
        ),
    ] = ()
    zone: ZoneInfo = field(init=False, repr=False, compare=False)
    _key_file: KeyFile | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key_file = KeyFile(self.api_key_file) if self.api_key_file else None
        object.__setattr__(self, "zone", ZoneInfo(self.timezone))
        object.__setattr__(self, "_key_file", key_file)

    def __hash__(self) -> int:
        return hash((self.key, self.base_url))

    def constants(self) -> dict[str, str]:
        """Return the labels that every series of the org has."""
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
    """How the API is asked. These hold for each host, whichever orgs it serves."""

    timeout: Annotated[
        float, kinds.DURATION, Field(description="Time for a whole request, body included.")
    ] = 30.0
    concurrency: Annotated[
        int, kinds.whole(1, 1000), Field(description="Requests to one host at the same time.")
    ] = 8
    rate_limit: Annotated[
        float,
        kinds.number(0, 10_000, above=True),
        Field(description="Requests to one host per second."),
    ] = 20.0
    retries: Annotated[
        int,
        kinds.whole(0, 10),
        Field(description="Further attempts after 429, 5xx and network errors."),
    ] = 3
    max_body: Annotated[
        int, kinds.SIZE, Field(description="Largest answer that is read, unpacked.")
    ] = 16 * 2**20
    page_size: Annotated[
        int, kinds.whole(1, 10_000), Field(description="Rows requested per page of a list.")
    ] = 100
    tls_strict: Annotated[
        bool,
        kinds.SWITCH,
        Field(description="Whether CA certificates must follow RFC 5280 to the letter."),
    ] = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Web:
    """Where and how metrics are served."""

    listen_address: Annotated[
        str, kinds.ADDRESS, Field(description="Host and port; without host, every address.")
    ] = ":10880"
    config_file: Annotated[
        Path | None,
        kinds.maybe(kinds.PATH),
        Field(description="TLS, passwords and headers, in the format of the exporter-toolkit."),
    ] = None
    enable_reload: Annotated[
        bool, kinds.SWITCH, Field(description="Whether `POST /-/reload` is allowed.")
    ] = False
    external_url: Annotated[
        str | None,
        kinds.maybe(kinds.URL),
        Field(description="Address under which people reach the exporter, behind a proxy."),
    ] = None
    route_prefix: Annotated[
        str | None,
        kinds.maybe(kinds.ROUTE),
        Field(
            description="Path below which all pages are served, too; unset: that of `external_url`."
        ),
    ] = None
    grafana_url: Annotated[
        str | None,
        kinds.maybe(kinds.URL),
        Field(description="Address of Grafana, for links from an org's page to its dashboard."),
    ] = None
    max_connections: Annotated[
        int,
        kinds.whole(1, 100_000),
        Field(description="Connections open at a time; idle ones give way to new ones."),
    ] = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Log:
    """What is logged, on standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        kinds.LEVEL,
        Field(description="The least important lines that are written."),
    ] = "info"
    format: Annotated[
        Literal["logfmt", "json"],
        kinds.one_of("logfmt", "json"),
        Field(description="How a line is written."),
    ] = "logfmt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Everything set, each org with the defaults of the top level already applied."""

    orgs: tuple[Org, ...]
    api: ApiLimits = ApiLimits()
    web: Web = Web()
    log: Log = Log()
    secrets_dir: Annotated[
        Path | None,
        kinds.maybe(kinds.PATH),
        Field(description="Directory with a file per org, named as its key, that holds its key."),
    ] = None
    state_dir: Annotated[
        Path | None,
        kinds.maybe(kinds.PATH),
        Field(
            description="Directory for one SQLite file that survives restarts; unset keeps state "
            "in memory."
        ),
    ] = None
    orgs_dir: Annotated[
        Path | None,
        kinds.maybe(kinds.PATH),
        Field(description="Directory of YAML files, each with one org or a list of orgs."),
    ] = None
    warnings: tuple[str, ...] = ()
