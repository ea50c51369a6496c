"""The kinds of values that settings have: how each is read from text, and what it teaches."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import re2
from pydantic import GetCoreSchemaHandler, SecretStr
from pydantic_core import CoreSchema, core_schema

from exporter.catalog import METRICS
from exporter.problems import closest, did_you_mean, shown
from exporter.settings.keyfile import unfit
from exporter.settings.units import duration, size
from exporter.windows import Span
from exporter.yamlfile import Unquoted

RESERVED_LABELS = frozenset(
    {label for metric in METRICS for label in metric.labels} | {"le", "instance", "job"}
)
"""Labels that the metrics have themselves, or that Prometheus sets."""

SENSITIVITIES = ("low", "normal", "high")
_LEAST_ALERTS, _MOST_ALERTS = 0.05, 50.0

_LONGEST_TEXT = 1000
_LONGEST_KEY = 200
_LEVELS = ("debug", "info", "warning", "error")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?")
_SWITCH = {"true": True, "yes": True, "on": True, "1": True} | {
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: its name in the docs, and how it is read from text.

    `optional` values may be null; `quoted` ones are texts, so what YAML takes for a number
    must stand in quotes; an empty environment variable is a value only where `empty` says so.
    """

    name: str
    parse: Callable[[str], Any]
    optional: bool = False
    quoted: bool = False
    empty: bool = False

    def __call__(self, value: Any) -> Any:
        """Return the value of this kind, or raise ValueError with the remedy."""
        if value is None:
            if self.optional:
                return None
            raise ValueError("has no value; write one after the colon, or take the line out")
        if isinstance(value, dict | list):
            what = "a mapping" if isinstance(value, dict) else "a list"
            raise ValueError(f"must be a single value ({self.name}), not {what}")  # noqa: TRY004 - pydantic reads it
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if self.quoted and isinstance(value, Unquoted):
            example = "" if self is SECRET else f': "{shown(value)}"'
            raise ValueError(
                "is a text, but YAML takes it for a number or a yes/no value; "
                f"put it in quotes{example}"
            )
        return self.parse(_clean(str(value)))

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Tell pydantic that the kind alone decides."""
        return core_schema.no_info_plain_validator_function(self)


def _clean(text: str) -> str:
    if not text.isprintable():
        kinds = {unicodedata.category(char) for char in text}
        if "Cs" in kinds:
            raise ValueError("is not valid UTF-8; write it again")
        if "Cc" in kinds:
            raise ValueError("holds a line break or another control character; take it out")
    return text


def one_of(*choices: str) -> Kind:
    """Return the kind of a fixed choice."""

    def parse(text: str) -> str:
        if text in choices:
            return text
        hint = did_you_mean(text, choices)
        raise ValueError(f"{shown(text)} is not one of {', '.join(choices)}{hint}")

    return Kind(" or ".join(choices), parse)


def whole(least: int, most: int) -> Kind:
    """Return the kind of a whole number within bounds."""

    def parse(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError(f"must be a plain whole number from {least} to {most}")
        return int(text)

    return Kind("whole number", parse)


def number(least: float, most: float, *, above: bool = False) -> Kind:
    """Return the kind of a number within bounds; `above` leaves the lower bound itself out."""
    bounds = f"above {least:g} and up to {most:g}" if above else f"from {least:g} to {most:g}"
    share = " (0.4 is 40 %)" if most == 1 else ""

    def parse(text: str) -> float:
        if _NUMBER.fullmatch(text):
            value = float(text)
            if least <= value <= most and not (above and value == least):
                return value
        raise ValueError(f"must be a plain number {bounds}{share}")

    return Kind("number", parse)


def at_least(least: float, text: str) -> Kind:
    """Return the kind of a length of time that is not shorter than `least` seconds."""

    def parse(given: str) -> float:
        seconds = duration(given)
        if seconds < least:
            raise ValueError(f"must not be shorter than {text}")
        return seconds

    return Kind("duration", parse)


def maybe(kind: Kind) -> Kind:
    """Return the same kind, but null is a value too."""
    return Kind(kind.name, kind.parse, optional=True, quoted=kind.quoted, empty=kind.empty)


def switch(text: str) -> bool:
    """Return a yes/no value."""
    try:
        return _SWITCH[text.lower()]
    except KeyError:
        raise ValueError(f"{shown(text)} is neither true nor false; write one of these") from None


def text_of(text: str) -> str:
    """Return a text that is not empty."""
    if not text.strip():
        raise ValueError("is empty; write a value, or take it out")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters")
    return text


def org_key(text: str) -> str:
    """Return the key of an org, which becomes a label, a file name and a part of paths."""
    if not text:
        raise ValueError("is empty; write the org's key (platform_key)")
    if text != text.strip():
        raise ValueError("has blanks around it; take them out")
    if any(char.isspace() for char in text):
        raise ValueError("has blanks in it; separate the keys of several orgs by commas")
    if "/" in text or text in {".", ".."}:
        raise ValueError(
            "holds a slash, or dots alone; write the org's key (platform_key), not an address"
        )
    if len(text) > _LONGEST_KEY:
        raise ValueError(f"is longer than {_LONGEST_KEY} characters; is it the org's key?")
    return text


def api_key(text: str) -> SecretStr:
    """Return a secret."""
    if reason := unfit(text):
        raise ValueError(reason)
    return SecretStr(text)


def scheme_word(text: str) -> str:
    """Return the word that stands before the key in the Authorization header, or none."""
    if text and not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", text):
        raise ValueError('must be one word, such as Api-Token or Token, or "" for the bare key')
    return text


def url(text: str) -> str:
    """Return an http address without its trailing slash. The text may hold a password."""
    try:
        parts = urlsplit(text)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not an address; write for instance https://host:8443/path") from None
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        raise ValueError("lacks its scheme; write https:// before it")
    if parts.scheme not in {"http", "https"}:
        raise ValueError("must begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("holds a name or password before @; take it out, keys go in api_key")
    if "?" in text or "#" in text:
        raise ValueError("holds a query (?) or fragment (#); keep what stands before it")
    if not parts.hostname or not port_fits or re.search(r"[\s\\]", text):
        raise ValueError("is not an address; write for instance https://host:8443/path")
    return text.rstrip("/")


def route(text: str) -> str:
    """Return a path below which pages are served, such as `/iblai`; `/` is none."""
    if not text.startswith("/") or not re.fullmatch(r"[A-Za-z0-9/._~%+-]{1,200}", text):
        raise ValueError("is not a path; write for instance /iblai, or / for none")
    return text


def zone_name(text: str) -> str:
    """Return the name of a time zone that the tz database knows."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        close = _near_zone(text)
        remedy = f"; did you mean {close}?" if close else "; write for instance Europe/Berlin"
        raise ValueError(f"{shown(text)} is not in the tz database{remedy}") from None
    return text


def _near_zone(text: str) -> str | None:
    if any(name.startswith(f"{text}/") for name in _zones()):
        return None  # a region: any of its cities would be a guess
    cities = {name.rpartition("/")[2]: name for name in sorted(_zones(), reverse=True)}
    city = closest(text.rpartition("/")[2], cities)
    return closest(text, _zones()) or (cities[city] if city else None)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


class Pattern(Protocol):
    """A compiled regular expression."""

    def fullmatch(self, text: str) -> object | None:
        """Return a match if the whole text matches."""
        ...


@lru_cache(maxsize=4096)
def pattern(text: str) -> Pattern:
    """Return the compiled regular expression, shared by all that have the same.

    RE2 matches in linear time, so no expression can block the exporter; it is the syntax that
    Prometheus uses, too. Raises `re2.error`.
    """
    options = re2.Options()
    options.log_errors = False
    found: Pattern = re2.compile(text, options)
    return found


def regexp(text: str) -> str:
    """Return a regular expression that compiles."""
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters")
    try:
        pattern(text)
    except re2.error as error:
        hint = ""
        if text.startswith("*"):
            rest = text.lstrip("*.")
            hint = f"; {shown(text)} is a shell pattern, as a regular expression write .*{rest}"
        reason = error.args[0].decode(errors="replace") if error.args else "invalid"
        reason = reason.replace(text, "").rstrip(": ")  # it is long, or may be a key
        raise ValueError(f"is not a regular expression (RE2): {reason}{hint}") from None
    return text


def log_level(text: str) -> str:
    """Return a log level; case does not matter, and `warn` is `warning`."""
    level = text.lower()
    level = "warning" if level == "warn" else level
    if level not in _LEVELS:
        raise ValueError(f"{shown(text)} is not one of {', '.join(_LEVELS)}")
    return level


def label_name(text: str) -> str:
    """Return the name of an extra constant label."""
    if text in RESERVED_LABELS or text.startswith("__"):
        raise ValueError("is a label that the metrics or Prometheus set; choose another name")
    if not _LABEL.fullmatch(text):
        raise ValueError("is not a label name; use letters, digits and _, no digit first")
    return text


def sensitivity(text: str) -> str:
    """Return the name of a sensitivity, or a number of false alerts per metric and year."""
    if text.lower() in SENSITIVITIES:
        return text.lower()
    if _NUMBER.fullmatch(text) and _LEAST_ALERTS <= float(text) <= _MOST_ALERTS:
        return text
    raise ValueError(
        f"must be {', '.join(SENSITIVITIES)}, or a number from {_LEAST_ALERTS:g} to "
        f"{_MOST_ALERTS:g}: the accepted false alerts per metric and year"
    )


def quiet_span(text: str) -> Span:
    """Return the days of `2026-12-24` or of `2026-12-24/2027-01-02`, both ends included."""
    first, slash, last = text.partition("/")
    try:
        span = Span(_day(first), _day(last if slash else first))
    except ValueError:
        raise ValueError(
            "is neither a day nor a range of days; write 2026-12-24 or 2026-12-24/2027-01-02"
        ) from None
    if span.last < span.first:
        raise ValueError("ends before it begins; swap the two days")
    return span


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("not a day")
    return date.fromisoformat(text)


def address(text: str) -> tuple[str, int]:
    """Return host and port; the host is empty if the text names none, as in `:10880`."""
    host, colon, port = text.rpartition(":")
    if "://" in text:
        raise ValueError("is a URL; write host and port alone, such as 127.0.0.1:10880")
    if not colon:
        remedy = f":{text}" if text.isdigit() else f"{shown(text)}:10880"
        raise ValueError(f"needs host and port, or :port for every address; write {remedy}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("is an IPv6 address without brackets; write it as in [::1]:10880")
    if not _WHOLE.fullmatch(port) or int(port) > 65535:  # noqa: PLR2004 - the highest port
        raise ValueError("needs a port from 0 to 65535 after the colon, such as :10880")
    if re.search(r"[\s\[\]/@]", host):
        raise ValueError("has no host that can be listened on; write for instance 127.0.0.1:10880")
    return host, int(port)


def _address_text(text: str) -> str:
    address(text)
    return text


TEXT = Kind("text", text_of, quoted=True)
NAME = Kind("text", org_key, quoted=True)
SECRET = Kind("secret", api_key, quoted=True)
SCHEME = Kind("word", scheme_word, quoted=True, empty=True)
URL = Kind("URL", url, quoted=True)
ROUTE = Kind("path", route, quoted=True)
ZONE = Kind("time zone", zone_name, quoted=True)
REGEXP = Kind("regular expression", regexp, quoted=True, empty=True)
SWITCH = Kind("true or false", switch)
DURATION = Kind("duration", duration)
RHYTHM = at_least(1, "1s")
SIZE = Kind("size", size)
PATH = Kind("path", lambda text: Path(text_of(text)), quoted=True)
ADDRESS = Kind("address", _address_text)
LABEL_NAME = Kind("label name", label_name, quoted=True)
LABEL_VALUE = Kind("text", str, quoted=True, empty=True)
LEVEL = Kind("debug, info, warning or error", log_level)
SENSITIVITY = Kind("low, normal, high or number", sensitivity)
QUIET = Kind("day or range of days", quiet_span)
