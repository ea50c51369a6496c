"""The org and the endpoint that a path names."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl

from starlette.types import Scope

_IN_ORG = re.compile(r"/orgs/(?P<org>[^/]+)(?:/users/[^/]+)?/(?P<endpoint>.*)", re.DOTALL)
_V2 = re.compile(r"/api/analytics/(?P<endpoint>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """The org, if there is one, and the endpoint: the path after what names org and user."""

    path: str
    org: str | None
    endpoint: str

    def matches(self, glob: str) -> bool:
        """Return whether `glob` matches the endpoint (`videos*`) or the whole path."""
        return fnmatchcase(self.endpoint, glob) or fnmatchcase(self.path, glob)


def target_of(scope: Scope) -> Target:
    """Return the target of an HTTP request."""
    path: str = scope["path"]
    if found := _IN_ORG.search(path):
        return Target(path, found["org"], found["endpoint"])
    org = query_of(scope).get("platform_key")
    if found := _V2.search(path):
        return Target(path, org, found["endpoint"])
    return Target(path, org, path)


def query_of(scope: Scope) -> dict[str, str]:
    """Return the parameters of the query; of a repeated one the last."""
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
