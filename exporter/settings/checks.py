"""What must hold between settings, and what is allowed but most likely not meant."""

import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from exporter.problems import Loc, Problem, did_you_mean
from exporter.settings.schema import Org
from exporter.settings.sources import KEYS, Layer
from exporter.settings.units import format_duration

SMALLEST = "orgs: [{key: acme, user_id: ops, api_key_file: /run/secrets/acme}]"

_COURSE_ID = re.compile(r"[\w-]+:[\w-]+\+[\w.-]+\+[\w-]+")
_HURRIED = 30.0
_NAMED = 3
_MOUNTED_SECRETS = ("/run/secrets/", "/var/run/secrets/")


def problems(
    tree: Mapping[str, Any], layers: Sequence[Layer], collectors: frozenset[str] | None
) -> Iterator[Problem]:
    """Yield what is wrong between settings, told from the merged tree of what was given."""
    orgs: Mapping[Any, Any] = tree["orgs"] if _is_indexed(tree.get("orgs")) else {}
    unreadable = "orgs" not in tree and any(layer.all_orgs for layer in layers)
    if not orgs and not tree.get("orgs") and not unreadable and not tree.get("orgs_dir"):
        remedy = f"write at least {SMALLEST} or set IBLAI_ORGS, IBLAI_USER_ID and IBLAI_API_KEY"
        yield ("orgs",), f"there is no org; {remedy}"
    yield from _duplicates(orgs)
    for index, org in orgs.items():
        if isinstance(org, dict):
            yield from _missing(("orgs", index), org, tree)
    for layer in layers:
        yield from _both_keys(layer)
    if collectors is not None:
        yield from _unknown_collectors(tree, orgs, collectors)


def _is_indexed(orgs: Any) -> bool:
    return isinstance(orgs, dict) and all(isinstance(index, int) for index in orgs)


def _duplicates(orgs: Mapping[Any, Any]) -> Iterator[Problem]:
    first: dict[str, Any] = {}
    for index, org in orgs.items():
        key = org.get("key") if isinstance(org, dict) else None
        if isinstance(key, str) and first.setdefault(key, index) != index:
            yield (
                ("orgs", index, "key"),
                f"is the key of orgs[{first[key]}] too; take one of them out",
            )


def _missing(loc: Loc, org: Mapping[str, Any], top: Mapping[str, Any]) -> Iterator[Problem]:
    if "key" not in org:
        yield (*loc, "key"), "is missing; write the org's key (platform_key)"
    if "user_id" not in org and "user_id" not in top:
        remedy = "write the user that the API key belongs to, here or at the top level"
        yield (*loc, "user_id"), f"is missing; {remedy}"
    if not any(name in level for name in KEYS for level in (org, top)) and not top.get(
        "secrets_dir"
    ):
        remedy = (
            "write api_key_file or api_key, here or at the top level, or secrets_dir at the "
            "top level"
        )
        yield (*loc, "api_key_file"), f"is missing; {remedy}"


def _both_keys(layer: Layer) -> Iterator[Problem]:
    orgs = layer.tree.get("orgs")
    levels: list[tuple[Loc, Any]] = [((), layer.tree)]
    levels += [(("orgs", i), org) for i, org in orgs.items()] if isinstance(orgs, dict) else []
    for loc, level in levels:
        if isinstance(level, dict) and all(name in level for name in KEYS):
            yield (*loc, "api_key"), "stands beside api_key_file; keep one of the two"


def _unknown_collectors(
    tree: Mapping[str, Any], orgs: Mapping[Any, Any], known: frozenset[str]
) -> Iterator[Problem]:
    levels: list[tuple[Loc, Any]] = [((), tree), *((("orgs", i), org) for i, org in orgs.items())]
    for loc, level in levels:
        chosen = level.get("collectors") if isinstance(level, dict) else None
        for name in chosen if isinstance(chosen, dict) else ():
            if name not in known:
                close = did_you_mean(name, known) or f"; there are {', '.join(sorted(known))}"
                yield (*loc, "collectors", name), f"unknown collector{close}"


def warnings(
    orgs: Iterable[Org], *, layers: Iterable[Layer], file: Layer, path: Path | None
) -> tuple[str, ...]:
    """Return what an operator would want to know, each once, with the orgs that it is about."""
    about: dict[str, list[str]] = defaultdict(list)
    for org in orgs:
        for text in _of_org(org):
            about[text].append(org.key)
    found = [f"{text} ({_listed(keys)})" for text, keys in about.items()]
    found += _unreadable_keys(orgs)
    above = next((layer for layer in layers if layer.all_orgs), None)
    if above is not None and "orgs" in file.tree:
        found.append(f"the orgs of {path} are not used: {above.place(('orgs',))} replaces them all")
    if path is not None and _holds_key(file.tree) and _open_to_all(path):
        found.append(f"{path} holds an API key and every user may read it; chmod o-r {path}")
    return tuple(found)


def _of_org(org: Org) -> Iterator[str]:
    if org.interval < _HURRIED:
        yield (
            f"interval {format_duration(org.interval)} is under 30s: the API's figures do not "
            "change that fast, and its rate limit is soon used up"
        )
    if org.history_interval < org.interval:
        yield "history_interval is shorter than interval: complete days change least"
    if _is_plain(org.base_url):
        yield "base_url is plain http: the API key can be read on the way; write https://"
    if not org.courses.include or org.courses.exclude in {".*", ".+"}:
        yield "courses.include and courses.exclude leave no course"
    elif org.courses.include.replace("-", "").replace("_", "").isalnum():
        yield (
            "courses.include must match the whole course_id, and this one has no wildcard; "
            "write .*WORD.* for a part of it"
        )
    for name in ("include", "exclude"):
        if any(map(_COURSE_ID.fullmatch, getattr(org.courses, name).split("|"))):
            yield (
                f"courses.{name} holds a course_id as it stands, but + means `one or more` in a "
                "regular expression; write \\+"
            )


def _unreadable_keys(orgs: Iterable[Org]) -> Iterator[str]:
    """Yield what is wrong with key files. It is no error: a key may come after the start."""
    failures: list[str] = []
    readable: list[str] = []
    for org in orgs:
        try:
            org.secret()
        except OSError as error:
            failures.append(f"{org.key}: {error.filename} {error.strerror}")
        except ValueError as error:
            failures.append(f"{org.key}: {error}")
        else:
            file = org.api_key_file
            if file and not str(file).startswith(_MOUNTED_SECRETS) and _open_to_all(file):
                readable.append(str(file))
    yield from failures[:_NAMED]
    if len(failures) > _NAMED:
        yield f"{len(failures) - _NAMED} more orgs have no API key that can be read"
    if readable:
        yield f"every user may read the API keys in these files; chmod o-r ({_listed(readable)})"


def _listed(names: list[str]) -> str:
    named = ", ".join(names[:_NAMED])
    more = len(names) - _NAMED
    return f"{named} and {more} more" if more > 0 else named


def _is_plain(url: str) -> bool:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def _holds_key(tree: Mapping[str, Any]) -> bool:
    orgs = tree.get("orgs")
    levels = [tree, *(orgs.values() if isinstance(orgs, dict) else ())]
    return any(isinstance(level, dict) and level.get("api_key") for level in levels)


def _open_to_all(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):
        return False
