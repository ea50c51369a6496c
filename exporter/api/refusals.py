"""What the API refused, so that it is asked again only rarely."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.api.errors import Kind, Refused

LEASE = 60.0
"""Seconds that one call has to find out whether a refusal still stands."""

KEPT = 6 * 3600.0
"""Seconds for which a refusal that nobody asked about again is kept."""

_WHOLE = None
"""Subject of a refusal of an endpoint as a whole."""

_Key = tuple[str, str | None]

Identity = Callable[[], tuple[str, ...]]
"""What a refusal depends on: the key, the user, the address. Asked for only where it matters."""


class Asked(NamedTuple):
    """A call as far as a refusal of it goes."""

    org: str
    endpoint: str
    subject: str


@dataclass(slots=True)
class _Refusal:
    error: Refused
    until: float


@dataclass(slots=True)
class _Org:
    identity: bytes
    refusals: dict[_Key, _Refusal] = field(default_factory=dict)

    def add(self, key: _Key, refusal: _Refusal, *, oldest: float) -> None:
        """Add a refusal, and drop those that ended before `oldest`: of courses that are gone."""
        self.refusals.pop(key, None)
        self.refusals[key] = refusal
        while self.refusals[first := next(iter(self.refusals))].until < oldest:
            del self.refusals[first]


class Refusals:
    """Refused calls by org, endpoint and subject. Times are monotonic seconds.

    401 and 403 are about the endpoint as a whole, 404 about the call's subject. All are void
    once the org's key, user or address changed.
    """

    def __init__(self) -> None:
        self._orgs: dict[str, _Org] = {}
        self._salt = os.urandom(16)

    def check(self, asked: Asked, *, identity: Identity, now: float) -> None:
        """Raise `Refused` if the call was refused and it is too early to ask again."""
        for refusal in self._standing(asked, identity):
            if now < refusal.until:
                wait = _in_words(refusal.until - now)
                raise Refused(
                    f"{refusal.error}; not asked again for {wait}",
                    kind=refusal.error.kind,
                    status=refusal.error.status,
                    asked=False,
                )

    def claim(self, asked: Asked, *, identity: Identity, now: float) -> None:
        """Do as `check`, and have other calls wait for what comes of this one."""
        self.check(asked, identity=identity, now=now)
        for refusal in self._standing(asked, identity):
            refusal.until = now + LEASE

    def remember(
        self, error: Refused, asked: Asked, *, identity: Identity, now: float, patience: float
    ) -> None:
        """Remember a refusal for `patience` seconds."""
        digest = self._digest(identity())
        known = self._orgs.get(asked.org)
        if known is None or known.identity != digest:
            known = self._orgs[asked.org] = _Org(digest)
        about = asked.subject if error.kind is Kind.NOT_FOUND else _WHOLE
        # A copy, since the error itself holds on to all that was at hand when it was raised.
        kept = Refused(str(error), kind=error.kind, status=error.status)
        known.add((asked.endpoint, about), _Refusal(kept, until=now + patience), oldest=now - KEPT)

    def succeeded(self, asked: Asked) -> None:
        """Forget the refusals that a good answer disproves."""
        known = self._orgs.get(asked.org)
        if known is not None:
            for key in _keys(asked):
                known.refusals.pop(key, None)
            if not known.refusals:
                del self._orgs[asked.org]

    def _standing(self, asked: Asked, identity: Identity) -> list[_Refusal]:
        known = self._orgs.get(asked.org)
        if known is None:
            return []
        if known.identity != self._digest(identity()):
            del self._orgs[asked.org]
            return []
        return [known.refusals[key] for key in _keys(asked) if key in known.refusals]

    def forget(self, org: str) -> None:
        """Forget all that was refused to an org."""
        self._orgs.pop(org, None)

    def _digest(self, identity: tuple[str, ...]) -> bytes:
        """Tell identities apart without keeping a key."""
        text = "\0".join(identity).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._salt, digest_size=16).digest()


def _keys(asked: Asked) -> tuple[_Key, _Key]:
    return (asked.endpoint, _WHOLE), (asked.endpoint, asked.subject)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 # two minutes
