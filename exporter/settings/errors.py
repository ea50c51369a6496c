"""What is wrong with a configuration: the place, the problem and the remedy of each mistake."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from exporter.problems import Loc, Problem, did_you_mean, shown
from exporter.settings.options import options
from exporter.settings.sources import NO_VALUE, Wrong

SMALLEST = "orgs: [{key: acme, user_id: ops, api_key_file: /run/secrets/acme}]"

_DICT_KEY = "[key]"
_TEXTS = {
    "missing": "is missing; write the org's key (platform_key)",
    "tuple_type": "must be a list; write [a, b], or each item on a line of its own after `- `",
    "dict_type": "must be keys and values, such as {name: value}",
    "dataclass_type": "must be keys and values, such as {name: value}",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "float_parsing": "must be a number, such as 20 or 0.5",
}


class Source(Protocol):
    """A source of settings that knows where each value is."""

    data: dict[str, Any]

    def place(self, loc: Loc) -> tuple[int, str]:
        """Return the line (0 if there are none) and the place as a person writes it."""
        ...


def problems_of(error: ValidationError) -> Iterator[Problem]:
    """Yield the problems that validation found."""
    for detail in error.errors(include_url=False):
        loc = tuple(part for part in detail["loc"] if part != _DICT_KEY)
        yield loc, _text(detail, loc)


def between(tree: Mapping[str, Any], collectors: frozenset[str] | None) -> Iterator[Problem]:
    """Yield what is wrong between settings: no org, an org twice, an unknown collector."""
    orgs = tree.get("orgs")
    if not orgs and not tree.get("orgs_dir"):
        remedy = f"write at least {SMALLEST}, or set IBLAI_ORGS, IBLAI_USER_ID and IBLAI_API_KEY"
        yield ("orgs",), f"there is no org; {remedy}"
    levels = orgs.items() if isinstance(orgs, dict) else ()
    orgs_by_index = {int(i): org for i, org in levels if i.isdecimal() and isinstance(org, dict)}
    first: dict[str, int] = {}
    for index in sorted(orgs_by_index):
        key = orgs_by_index[index].get("key")
        if isinstance(key, str) and first.setdefault(key, index) != index:
            yield ("orgs", index, "key"), f"is also the key of orgs[{first[key]}]; remove one"
    for loc, level in [((), tree), *((("orgs", i), org) for i, org in orgs_by_index.items())]:
        chosen = level.get("collectors")
        for name in chosen if isinstance(chosen, dict) else ():
            if collectors and name not in collectors:
                close = did_you_mean(name, collectors) or f"; use {', '.join(sorted(collectors))}"
                yield (*loc, "collectors", name), f"unknown collector{close}"


def placed(problems: Iterable[Problem], sources: Sequence[Source], file: Source) -> list[str]:
    """Return problems with their places, in the order of their lines.

    A wrong value of the top level is reported once, and not for every org that inherits it.
    """
    found = []
    for loc, text in problems:
        source = next((s for s in sources if _has(s.data, loc)), None)
        if source is None and loc[:1] == ("orgs",) and any(_has(s.data, loc[2:]) for s in sources):
            continue
        found.append((*(source or _nearest(sources, loc) or file).place(loc), text))
    found.sort(key=lambda problem: problem[0])
    return [f"{place}: {text}" for _, place, text in found]


def _has(node: Any, loc: Loc) -> bool:
    """Return whether something is set; the list of orgs is a mapping by index."""
    for part in loc:
        if isinstance(node, dict) and str(part) in node:
            node = node[str(part)]
        elif isinstance(node, list | tuple) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return False
    return bool(loc)


def _nearest(sources: Sequence[Source], loc: Loc) -> Source | None:
    """Return the source in which something is missing: the lowest that sets what is around it."""
    above = (loc[:end] for end in range(len(loc) - 1, 0, -1))
    return next((s for part in above for s in reversed(sources) if _has(s.data, part)), None)


def _text(detail: ErrorDetails, loc: Loc) -> str:
    """Return the problem and its remedy. pydantic's own text may quote a secret."""
    value, kind = detail["input"], detail["type"]
    if isinstance(value, Wrong):
        return value.reason
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        return _unknown(loc)
    if value is None:
        return NO_VALUE
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "literal_error":
        text = value if isinstance(value, str) else "this value"
        known = re.findall(r"'([^']*)'", detail["ctx"]["expected"])
        return f"{shown(text)} is not one of {', '.join(known)}{did_you_mean(text, known)}"
    return _TEXTS.get(kind) or detail["msg"].replace("Input should be", "must be")


def _unknown(loc: Loc) -> str:
    """Return that a key is unknown, and which was meant."""
    in_org = loc[0] == "orgs" and len(loc) > 1
    *above, name = loc[2:] if in_org else loc
    everywhere = [tuple(option.path.replace("[]", "").split(".")) for option in options()]
    of_org = [tuple(o.path.removeprefix("orgs[].").split(".")) for o in options() if o.per_org]
    known = of_org if in_org else everywhere
    siblings = dict.fromkeys(path[len(above)] for path in known if path[: len(above)] == (*above,))
    other = next((path for path in everywhere if path[-1] == name), None)
    if close := did_you_mean(str(name), siblings):
        return f"unknown key{close}"
    if in_org and any(path[0] == name for path in everywhere if path not in known):
        return "unknown key; set it once, at the top level"
    if other:
        level = "" if other in known else " at the top level"
        return f"unknown key; it belongs in {'.'.join(other)}{level}"
    return "unknown key; see the reference of settings"
