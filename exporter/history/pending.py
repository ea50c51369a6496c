"""Changes that wait to be written: the latest per key wins, which bounds their memory."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

Key = tuple[str, str]
"""Series and part, or collector and item."""

Packed = tuple[date, bytes]
"""First day and values of a series."""


@dataclass(slots=True)
class OrgChanges:
    """What changed for one org, on top of what is stored unless `cleared`. None removes."""

    identity: str | None = None
    """Whose values these are; None while nothing but removals is pending."""
    cleared: bool = False
    history: dict[Key, Packed | None] = field(default_factory=dict)
    snapshots: dict[Key, bytes | None] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """All changes of one transaction: first `keep_orgs`, then those of each org."""

    keep_orgs: frozenset[str] | None = None
    orgs: dict[str, OrgChanges] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.orgs) or self.keep_orgs is not None

    def of(self, org: str, *, identity: str | None = None) -> OrgChanges:
        """Return the changes of `org`; those of another identity are dropped first."""
        changes = self.orgs.setdefault(org, OrgChanges(identity))
        if identity is not None and changes.identity != identity:
            if changes.identity is not None:
                changes = self.orgs[org] = OrgChanges(cleared=True)
            changes.identity = identity
        return changes

    def remove(self, org: str) -> None:
        """Remove everything of `org`."""
        self.orgs[org] = OrgChanges(cleared=True)

    def keep(self, orgs: Collection[str]) -> None:
        """Remove every org that is not in `orgs`."""
        wanted = frozenset(orgs)
        # Both lists apply: what the first one removed must not survive because of the second.
        self.keep_orgs = wanted if self.keep_orgs is None else self.keep_orgs & wanted
        self.orgs = {org: changes for org, changes in self.orgs.items() if org in wanted}

    def add(self, newer: "Changes") -> None:
        """Add changes that were made after these."""
        if newer.keep_orgs is not None:
            self.keep(newer.keep_orgs)
        for org, changes in newer.orgs.items():
            if changes.cleared:
                self.orgs[org] = changes
                continue
            mine = self.of(org, identity=changes.identity)
            mine.history.update(changes.history)
            mine.snapshots.update(changes.snapshots)
