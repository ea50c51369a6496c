"""What the environment sets: variables that begin with IBLAI_, with __ between levels."""

import json
import re
from collections.abc import Mapping
from typing import Any

from exporter.problems import Loc, closest, dotted
from exporter.settings import outline
from exporter.settings.outline import ENV_LEVEL, ENV_PREFIX, Form, variable
from exporter.settings.sources import Layer, as_text, by_index, named, prepare, put
from exporter.yamlfile import Unquoted

CONFIG = f"{ENV_PREFIX}CONFIG"
ORGS = variable("orgs")

_KEY_LIST = "org keys"
_ONE_ORG = "org"

# What Kubernetes sets for a service whose name begins with `iblai`.
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
_OWN = f"{ENV_PREFIX}EXPORTER_"


def from_environment(environ: Mapping[str, str]) -> Layer:
    """Return what variables that begin with IBLAI_ set. An empty one counts as not set."""
    names: dict[Loc, str] = {}
    problems: list[str] = []
    tree: dict[str, Any] = {}
    for name, value in sorted(environ.items(), key=_depth):
        if not name.startswith(ENV_PREFIX) or name == CONFIG or _is_foreign(name, value):
            continue
        located = _locate(name)
        if located is None:
            problems.append(f"{_visible(name)}: unknown variable{_suggestion(name)}")
            continue
        loc, form, may_be_empty = located
        if value or may_be_empty:
            names[loc] = name
            try:
                put(tree, loc, _read(form, value))
            except ValueError as error:
                problems.append(f"{name}: {error}")

    def where(loc: Loc) -> str:
        for end in range(len(loc), 0, -1):
            above = loc[:end]
            if above in names:
                rest = dotted(loc[end:])
                return names[above] + (f": {rest}" if rest else "")
            if any(known[:end] == above for known in names):
                break
        return variable(*loc)

    return Layer(prepare(tree, None), where, tuple(problems), all_orgs=("orgs",) in names)


def _depth(variable: tuple[str, str]) -> tuple[int, str]:
    """Order variables so that those of single settings come after those that hold them."""
    return variable[0].count(ENV_LEVEL), variable[0]


def _is_foreign(name: str, value: str) -> bool:
    if name.startswith(_OWN):
        return True
    return any(of.fullmatch(name) and shape.fullmatch(value) for of, shape in _SERVICE)


def _visible(name: str) -> str:
    """Return a name, unless a key may have slipped into it."""
    fit = name.isprintable() and not re.search(r"[0-9A-Za-z]{32}", name)
    return name if fit else f"{ENV_PREFIX}…"


def _suggestion(name: str) -> str:
    """Say which variable was meant, by what stands after the prefix that all have."""
    word = name.upper()
    prefix, known = ENV_PREFIX, [*map(variable, ("orgs", "config"))]
    match = re.match(rf"{ORGS}_+([0-9]+)_+", word)
    if match:
        prefix = variable("orgs", match[1], "")
        known = [variable("orgs", match[1], *path) for path in outline.of_org()]
        word = prefix + word[match.end() :]
    elif word.startswith(f"{ORGS}{ENV_LEVEL}"):
        return f"; orgs are numbered from 0, as in {variable('orgs', 0, 'key')}"
    else:
        known += [setting.env for setting in outline.of_top().values()]
    rest = word[len(prefix) :].strip("_")
    close = closest(rest, (other[len(prefix) :] for other in known))
    if close:
        return f"; did you mean {prefix}{close}?"
    of_section = (other for other in known if rest and other.endswith(f"_{rest}"))
    found = next(of_section, None)
    return f"; did you mean {found}?" if found else "; the reference of settings lists all"


def _locate(name: str) -> tuple[Loc, Form | str, bool] | None:
    """Return where a variable puts its value, how to read it, and whether it may be empty."""
    parts = name[len(ENV_PREFIX) :].split(ENV_LEVEL)
    if name != name.upper() or not all(parts):
        return None
    path = tuple(part.lower() for part in parts)
    if path[0] != "orgs":
        return _find(outline.of_top(), (), path)
    if len(path) == 1:
        return ("orgs",), _KEY_LIST, False
    if not re.fullmatch(r"0|[1-9][0-9]{0,4}", path[1]):
        return None
    above = ("orgs", int(path[1]))
    if len(path) == len(above):
        return above, _ONE_ORG, False
    return _find(outline.of_org(), above, path[2:])


def _find(
    known: Mapping[tuple[str, ...], outline.Setting], above: Loc, path: tuple[str, ...]
) -> tuple[Loc, Form | str, bool] | None:
    setting = known.get(path)
    if setting is not None:
        return (*above, *path), setting.form, bool(setting.kind and setting.kind.empty)
    mapping = known.get(path[:-1])
    if mapping is not None and mapping.form is Form.MAPPING:
        return (*above, *path), Form.VALUE, bool(mapping.kind and mapping.kind.empty)
    return None


def _read(form: Form | str, value: str) -> Any:
    """Return the value of a variable: a text, or JSON where there is more to say."""
    if form is Form.VALUE:
        return value
    if value.lstrip()[:1] in {"[", "{"}:
        read = _json(value)
    elif form in {Form.LIST, _KEY_LIST}:
        read = [item.strip() for item in value.split(",") if item.strip()]
    elif form == _ONE_ORG:
        read = {"key": value}
    else:
        raise ValueError('must be JSON, such as {"name": "value"}')
    if form == _KEY_LIST:
        if not isinstance(read, list):
            raise ValueError("must be a list: acme,globex or JSON in [ ]")
        return by_index(named(read))
    return read


def _json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key stands twice in the JSON; keep one")
        return dict(pairs)

    try:
        return as_text(
            json.loads(
                text,
                parse_int=Unquoted,
                parse_float=Unquoted,
                parse_constant=Unquoted,
                object_pairs_hook=once,
            )
        )
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is not JSON at character {error.pos + 1}; check quotes, commas and brackets"
        ) from None
    except RecursionError:
        raise ValueError("is nested too deep") from None
