"""What is valid, but most likely not meant."""

import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from exporter.settings.environment import ORGS
from exporter.settings.schema import Org
from exporter.settings.units import format_duration
from exporter.yamlfile import Document

_COURSE_ID = re.compile(r"[\w-]+:[\w-]+\+[\w.-]+\+[\w-]+")
_SHORT_INTERVAL = 30.0
_NAMED = 3
_MOUNTED_SECRETS = ("/run/secrets/", "/var/run/secrets/")


def warnings(
    orgs: Sequence[Org], path: Path | None, document: Document, *, unused: Iterable[Path]
) -> tuple[str, ...]:
    """Return each warning once, with the orgs that it is about.

    The environment replaces the orgs of `unused` files and directories.
    """
    about: dict[str, list[str]] = defaultdict(list)
    for org in orgs:
        for text in _of_org(org):
            about[text].append(org.key)
    found = [f"{text} ({_listed(keys)})" for text, keys in about.items()]
    found += _of_keys(orgs)
    replaced = f"are not used: {ORGS} replaces them all"
    found += [f"the orgs of {place} {replaced}" for place in unused]
    listed = document.tree.get("orgs")
    levels = [document.tree, *(listed if isinstance(listed, list) else ())]
    if path and any(isinstance(v, dict) and v.get("api_key") for v in levels) and _is_open(path):
        found.append(f"{path} contains an API key and every user may read it; chmod o-r {path}")
    return tuple(found)


def _of_org(org: Org) -> Iterator[str]:
    if org.interval < _SHORT_INTERVAL:
        yield (
            f"interval {format_duration(org.interval)} is under 30s: the API's values do not "
            "change that fast, and its rate limit is soon used up"
        )
    if org.history_interval < org.interval:
        yield "history_interval is shorter than interval: complete days change least"
    if _is_plain(org.base_url):
        yield "base_url is plain http: others can read the API key; write https://"
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
                f"courses.{name} contains a course_id, but + means `one or more` in a regular "
                "expression; write \\+"
            )


def _of_keys(orgs: Iterable[Org]) -> Iterator[str]:
    """Yield what is wrong with key files. They are no errors: a key may come after the start."""
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
            if file and not str(file).startswith(_MOUNTED_SECRETS) and _is_open(file):
                readable.append(str(file))
    yield from failures[:_NAMED]
    if len(failures) > _NAMED:
        yield f"{len(failures) - _NAMED} more orgs have no API key that can be read"
    if readable:
        names = list(dict.fromkeys(readable))
        yield f"every user may read the API keys in these files; chmod o-r ({_listed(names)})"


def _listed(names: Sequence[str]) -> str:
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


def _is_open(path: Path) -> bool:
    """Return whether every user may read a file."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):
        return False
