"""The types of settings: how each is parsed, and what is wrong with a value that is not one."""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import re2
from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SecretStr,
)
from pydantic_core import CoreSchema, core_schema

from exporter.catalog import METRICS
from exporter.problems import closest, shown
from exporter.settings.keyfile import unfit
from exporter.settings.units import duration, size
from exporter.windows import Span
from exporter.yamlfile import Unquoted

RESERVED_LABELS = frozenset(
    {label for metric in METRICS for label in metric.labels} | {"le", "instance", "job"}
)
"""Labels that metrics have or Prometheus sets."""

SENSITIVITIES = ("low", "normal", "high")
_LEAST_ALERTS, _MOST_ALERTS = 0.05, 50.0
_HIGHEST_PORT = 65535
_LONGEST_TEXT = 1000
_LONGEST_KEY = 200
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that is parsed from text: its name in the reference, and its parser.

    `quoted` types are texts: what YAML takes for a number needs quotes.
    """

    name: str
    parse: Callable[[str], Any]
    quoted: bool = False

    def __call__(self, value: Any) -> Any:
        """Return the parsed value. Raise ValueError with the remedy."""
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if isinstance(value, bool | int | float):  # from JSON
            value = Unquoted(json.dumps(value))
        if not isinstance(value, str):
            raise ValueError(f"must be a single value ({self.name})")  # noqa: TRY004 - for pydantic
        if self.quoted and isinstance(value, Unquoted):
            example = f': "{shown(value)}"' if self.name != "secret" else ""
            raise ValueError(f"must be text, not a number or boolean; quote it{example}")
        return self.parse(_printable(value))

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let the parser alone validate."""
        return core_schema.no_info_plain_validator_function(self)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Give the type its name in the reference."""
        return {"type": self.name}


def _printable(text: str) -> str:
    if not text.isprintable():
        kinds = {unicodedata.category(char) for char in text}
        if "Cs" in kinds:
            raise ValueError("is not valid UTF-8; write it again")
        if "Cc" in kinds:
            raise ValueError("contains a line break or control character; remove it")
    return text


def _at_least(seconds: float, written: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        found = duration(text)
        if found < seconds:
            raise ValueError(f"must be at least {written}")
        return found

    return parse


def whole(least: int, most: int) -> Kind:
    """Return the type of a whole number within bounds. A leading 0 could mean octal."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"0|[1-9][0-9]{0,14}", text) or not least <= int(text) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}")
        return int(text)

    return Kind("whole number", parse)


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; write a value, or remove the setting")
    if text != text.strip():
        raise ValueError("has spaces around it; remove them")
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters; shorten it")
    return text


def _user_id(text: str) -> str:
    """Return the user that a key belongs to. It becomes a part of paths."""
    if text in {".", ".."}:
        raise ValueError("is a path; write the user that the API key belongs to")
    return _text(text)


def _org_key(text: str) -> str:
    """Return the key of an org. It becomes a label, a file name and a part of paths."""
    if not text:
        raise ValueError("is empty; write the org's key (platform_key)")
    if any(char.isspace() for char in text):
        raise ValueError("contains spaces; separate the keys of several orgs by commas")
    if "/" in text or text in {".", ".."}:
        raise ValueError("is a path or an address; write the org's key (platform_key)")
    if len(text) > _LONGEST_KEY:
        raise ValueError(f"is longer than {_LONGEST_KEY} characters; write the org's key")
    return text


def _api_key(text: str) -> SecretStr:
    if reason := unfit(text):
        raise ValueError(reason)
    return SecretStr(text)


def _scheme(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", text):
        raise ValueError('must be one word, such as Api-Token or Token, or "" for the bare key')
    return text


def _url(text: str) -> str:
    """Return an HTTP address without a trailing slash. Never quote it: it may have a password."""
    try:
        parts = urlsplit(text)
        valid = bool(parts.hostname) and parts.port != 0 and not re.search(r"[\s\\]", text)
    except ValueError:
        parts, valid = urlsplit(""), False
    if valid and "@" in parts.netloc:
        raise ValueError("contains a name or password before @; remove it, keys go in api_key")
    if not re.match(r"https?://", text, re.IGNORECASE):
        raise ValueError("must begin with https:// or http://")
    if "?" in text or "#" in text:
        raise ValueError("contains a query (?) or fragment (#); remove it")
    if not valid:
        raise ValueError("is not an address; write for example https://host:8443/path")
    return text.rstrip("/")


def _route(text: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9/._~%+-]{0,200}", text):
        raise ValueError("is not a path; write for example /iblai, or / for none")
    return text


@lru_cache(maxsize=1024)
def _path(text: str) -> Path:
    """Return a path, shared by all orgs that have the same key file."""
    return Path(_text(text))


@lru_cache(maxsize=1024)
def _zone(text: str) -> str:
    """Return the name of a time zone of the tz database."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        close = _near_zone(text)
        remedy = f"did you mean {close}?" if close else "write for example Europe/Berlin"
        raise ValueError(f"{shown(text)} is not in the tz database; {remedy}") from None
    return text


def _near_zone(text: str) -> str | None:
    if any(name.startswith(f"{text}/") for name in _zones()):
        return None  # a region; any of its cities would be a guess
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
    """Return the compiled regular expression, shared by all orgs that use it.

    RE2 matches in linear time and has the syntax of Prometheus. Raises `re2.error`.
    """
    options = re2.Options()
    options.log_errors = False
    found: Pattern = re2.compile(text, options)
    return found


def _regexp(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"is longer than {_LONGEST_TEXT} characters; shorten it")
    try:
        pattern(text)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else "invalid"
        reason = reason.replace(text, "").rstrip(": ")  # it is long, or may be a key
        if text.startswith("*"):
            reason += f"; {shown(text)} is a shell pattern, write .*{shown(text.lstrip('*.'))}"
        raise ValueError(f"is not a regular expression (RE2): {reason}") from None
    return text


def label_name(text: str) -> str:
    """Return the name of an extra constant label."""
    if text in RESERVED_LABELS or text.startswith("__"):
        raise ValueError("is a label of the metrics or of Prometheus; choose another name")
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", text):
        raise ValueError("is not a label name; use letters, digits and _, no digit first")
    return text


def _sensitivity(text: str) -> str:
    """Return the name of a sensitivity, or the number of false alerts per metric and year."""
    if text.lower() in SENSITIVITIES:
        return text.lower()
    if _NUMBER.fullmatch(text) and _LEAST_ALERTS <= float(text) <= _MOST_ALERTS:
        return text
    raise ValueError(
        f"must be {', '.join(SENSITIVITIES)}, or the accepted false alerts per metric and year: "
        f"{_LEAST_ALERTS:g} to {_MOST_ALERTS:g}"
    )


def _quiet_days(text: str) -> Span:
    """Return the days of `2026-12-24`, or of `2026-12-24/2027-01-02` including both ends."""
    first, slash, last = text.partition("/")
    try:
        span = Span(_day(first), _day(last if slash else first))
    except ValueError:
        raise ValueError(
            "is not a day or range of days; write 2026-12-24 or 2026-12-24/2027-01-02"
        ) from None
    if span.last < span.first:
        raise ValueError("ends before it begins; swap the two days")
    return span


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("not a day")
    return date.fromisoformat(text)


def address(text: str) -> tuple[str, int]:
    """Return host and port. The host is empty if the text has none, as in `:10880`."""
    host, colon, port = text.rpartition(":")
    if not text:
        raise ValueError("is empty; write for example :10880")
    if "://" in text:
        raise ValueError("is a URL; write host and port, such as 127.0.0.1:10880")
    if not colon:
        remedy = f":{text}" if text.isdecimal() else f"{shown(text)}:10880"
        raise ValueError(f"needs host and port, or :port for every address; write {remedy}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError("is an IPv6 address without brackets; write it as in [::1]:10880")
    if not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > _HIGHEST_PORT:
        raise ValueError(f"needs a port from 0 to {_HIGHEST_PORT} after the colon, such as :10880")
    if re.search(r"[\s\[\]/@]", host):
        raise ValueError("has no valid host; write for example 127.0.0.1:10880")
    return host, int(port)


def _address(text: str) -> str:
    address(text)
    return text


def _lower(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return {"warn": "warning"}.get(value.lower(), value.lower())


T = TypeVar("T")


def _unique(items: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


Text = Annotated[str, Kind("text", _text, quoted=True)]
UserId = Annotated[str, Kind("text", _user_id, quoted=True)]
OrgKey = Annotated[str, Kind("text", _org_key, quoted=True)]
Secret = Annotated[SecretStr, Kind("secret", _api_key, quoted=True)]
Scheme = Annotated[str, Kind("word", _scheme, quoted=True)]
Url = Annotated[str, Kind("URL", _url, quoted=True)]
Route = Annotated[str, Kind("path", _route, quoted=True)]
Zone = Annotated[str, Kind("time zone", _zone, quoted=True)]
Regexp = Annotated[str, Kind("regular expression", _regexp, quoted=True)]
Duration = Annotated[float, Kind("duration", duration)]
Interval = Annotated[float, Kind("duration", _at_least(1, "1s"))]
Size = Annotated[int, Kind("size", size)]
FilePath = Annotated[Path, Kind("path", _path, quoted=True)]
Address = Annotated[str, Kind("address", _address)]
LabelName = Annotated[str, Kind("label name", label_name, quoted=True)]
LabelValue = Annotated[str, Kind("text", str, quoted=True)]
Sensitivity = Annotated[str, Kind("low, normal, high or number", _sensitivity)]
QuietDays = Annotated[Span, Kind("day or range of days", _quiet_days)]
Extra = Literal["learning", "agents", "costs", "usage"]
Level = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
Unique = AfterValidator(_unique)
