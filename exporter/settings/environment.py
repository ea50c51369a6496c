"""Settings from environment variables that begin with IBLAI_, with __ between levels."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_origin

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from exporter.problems import Loc, closest
from exporter.settings.options import ENV_LEVEL, ENV_PREFIX, options, variable
from exporter.settings.schema import Org
from exporter.settings.sources import CONFIG, Given, Wrong, below, by_index, prepared

ORGS = variable("orgs")

_ORG = FieldInfo.from_annotation(Org)
_MAY_BE_EMPTY = re.compile(r".*_(AUTH_SCHEME|COURSES__(INCLUDE|EXCLUDE)|LABELS__\w+)")
_MAPPINGS = ("_LABELS", "_COLLECTORS")
_SECTIONS = ("courses", "alerts")
_INDEX = re.compile(rf"{ORGS}_+([0-9]{{1,5}})(?=_|$)")

_URL = r"(?:tcp|udp|sctp)://.*"
_SERVICE = tuple(
    (re.compile(rf"IBLAI(?:_[A-Z0-9_]+)?_{name}"), re.compile(value))
    for name, value in {
        "SERVICE_HOST": r"[0-9a-fA-F.:]+|None",
        "SERVICE_PORT(?:_[A-Z0-9_]+)?": "[0-9]+",
        "PORT": _URL,
        "PORT_[0-9]+_(?:TCP|UDP|SCTP)": _URL,
        "PORT_[0-9]+_(?:TCP|UDP|SCTP)_(?:PROTO|PORT|ADDR)": "tcp|udp|sctp|[0-9a-fA-F.:]+|None",
    }.items()
)
"""Variables that Kubernetes sets for a service whose name begins with `iblai`."""


class Environment(EnvSettingsSource):
    """The environment. An empty variable counts as not set.

    Beyond pydantic-settings, an unknown variable is a problem, a list may be words with commas
    between, and orgs are numbered: IBLAI_ORGS__0__KEY.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self._environ = environ
        super().__init__(Given)
        self.data = prepared(super().__call__())

    def __call__(self) -> dict[str, Any]:
        """Return all values."""
        return self.data

    def _load_env_vars(self) -> Mapping[str, str | None]:
        """Return the variables, the more specific last."""
        found: dict[str, str | None] = {}
        for name, value in sorted(self._environ.items(), key=lambda v: (v[0].count("__"), v[0])):
            if not name.startswith(ENV_PREFIX) or name == CONFIG or _is_foreign(name, value):
                continue
            if not _is_known(name):
                self.problems.append(f"{_visible(name)}: unknown variable; {_remedy(name)}")
            elif value or _MAY_BE_EMPTY.fullmatch(name):
                found[name.lower()] = value
        return found

    def next_field(
        self,
        field: FieldInfo | Any | None,
        key: str,
        case_sensitive: bool | None = None,  # noqa: FBT001 - pydantic's signature
    ) -> Any:
        """Return what `key` is in a field. The fields of an org are those of the top level."""
        if field is _ORG:
            return Given.model_fields.get(key)
        if field is Given.model_fields["orgs"]:
            return _ORG
        return super().next_field(field, key, case_sensitive)

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: str) -> Any:
        """Return what a text stands for: JSON, or words with commas between for a list."""
        found: Any = Wrong('must be JSON, such as {"name": "value"}')
        if value.lstrip()[:1] in {"[", "{"}:
            found = _json(value)
        elif field is _ORG:
            found = {"key": value}
        elif field is not None and get_origin(field.annotation) is tuple:
            found = [word.strip() for word in value.split(",") if word.strip()]
        return by_index(found) if field_name == "orgs" else found

    def place(self, loc: Loc) -> tuple[int, str]:
        """Return the variable that sets something, or that would."""
        for end in range(len(loc), 0, -1):
            if (name := variable(*loc[:end])).lower() in self.env_vars:
                return 0, below(name, loc[end:])
        return 0, variable(*loc)


def _json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key is given twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        return Wrong(f"is not JSON at character {error.pos + 1}; check quotes, commas and brackets")
    except ValueError:
        return Wrong("is not valid JSON: a key is given twice, or a number is too long")
    except RecursionError:
        return Wrong("is nested too deep; write less")


def _is_foreign(name: str, value: str) -> bool:
    """Return whether a variable belongs to the command line or to Kubernetes."""
    if name.startswith(f"{ENV_PREFIX}EXPORTER_"):
        return True
    return any(of.fullmatch(name) and shape.fullmatch(value) for of, shape in _SERVICE)


@lru_cache
def _variables(index: int) -> tuple[str, ...]:
    """Return every variable, with those of one org."""
    top = [option.env for option in options() if option.path != "orgs[].key"]
    sections = {name.rpartition(ENV_LEVEL)[0] for name in top if ENV_LEVEL in name}
    paths = ["key", *_SECTIONS, *(option.path for option in options() if option.per_org)]
    org = [variable("orgs", index, *path.split(".")) for path in paths]
    return (CONFIG, ORGS, variable("orgs", index), *top, *sorted(sections), *org)


def _is_known(name: str) -> bool:
    found = _INDEX.match(name)
    known = _variables(int(found[1]) if found else 0)
    above, _, last = name.rpartition(ENV_LEVEL)
    return name in known or (bool(last) and above in known and above.endswith(_MAPPINGS))


def _remedy(name: str) -> str:
    """Return which variable was meant, compared by what follows the prefix that all have."""
    word = name.upper()
    found = _INDEX.match(word)
    if word.startswith(f"{ORGS}{ENV_LEVEL}") and not found:
        return f"orgs are numbered from 0, as in {variable('orgs', 0, 'key')}"
    index = int(found[1]) if found else 0
    prefix = variable("orgs", index, "") if found else ENV_PREFIX
    rest = word[found.end() if found else len(prefix) :].strip("_")
    known = [n.removeprefix(prefix) for n in _variables(index) if n.startswith(prefix)]
    ends = (other for other in known if rest and other.endswith(f"_{rest}"))
    close = closest(rest, known) or next(ends, None)
    return f"did you mean {prefix}{close}?" if close else "see the reference of settings"


def _visible(name: str) -> str:
    """Return a name, unless it may contain a key."""
    fit = name.isprintable() and not re.search(r"[0-9A-Za-z]{32}", name)
    return name if fit else f"{ENV_PREFIX}…"
