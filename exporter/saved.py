"""What survives a restart: history and snapshots of every org, through the state file."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass

import structlog
from pydantic_core import from_json

from exporter.api.credentials import read_key
from exporter.api.errors import ApiError
from exporter.clock import Clock
from exporter.history.series import DailyValues
from exporter.history.state import StateFile
from exporter.history.store import History
from exporter.samples import finite
from exporter.settings import Org
from exporter.snapshots import Changes, Snapshots, decode, encode

log = structlog.get_logger(__name__)

_ATTEMPT = ".attempt"
"""Key of the record of a collector's last attempt, beside its items."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """When a collector last ran and last succeeded, in Unix seconds.

    `v2` is whether its values came from the newer family.
    """

    last_attempt: float
    last_success: float
    v2: bool = False


Attempts = Mapping[tuple[str, str], Attempt]
"""The last attempts by org and collector."""


def identity_of(org: Org) -> str:
    """Return a digest of all that decides which data an org is shown; "" without a key.

    The key of the API cannot be derived from it.
    """
    try:
        key = read_key(org)
    except ApiError:
        return ""
    parts = (org.key, org.base_url, org.user_id, key)
    text = json.dumps(parts).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=16, person=b"iblai-identity").hexdigest()


def scope_of(org: Org) -> tuple[object, ...]:
    """Return the settings that decide what a day's values count: others make another history."""
    return org.include_main_platform, org.department_id, org.timezone, org.range_end


class SavedState:
    """Writes every change to the state file, and brings it back after a start.

    Without a state directory, or with a file that cannot be used, nothing is written.
    """

    def __init__(self, file: StateFile | None, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._identities: dict[str, str] = {}

    def register(self, org: Org, identity: str) -> None:
        """Save the org's data from now on; another identity than before starts empty.

        Without an identity, because the key cannot be read, everything stays as it is.
        """
        saved = self._saved_identity(org, identity)
        before = self._identities.get(org.key)
        if not saved and before is not None:
            return
        if self._file and before and before != saved:
            self._file.remove_org(org.key)
        self._identities[org.key] = saved

    def forget(self, org: str) -> None:
        """Remove all data of an org."""
        self._identities.pop(org, None)
        if self._file:
            self._file.remove_org(org)

    def restore(self, orgs: Iterable[Org], history: History, snapshots: Snapshots) -> Attempts:
        """Bring back the data of these orgs that is still valid, and return the last attempts."""
        if self._file is None:
            return {}
        identities = {
            org.key: self._saved_identity(org, identity)
            for org in orgs
            if (identity := identity_of(org))
        }
        content = self._file.load(identities)
        for org, series in content.history.items():
            history.restore(org, series)
        attempts: dict[tuple[str, str], Attempt] = {}
        unreadable = content.unreadable
        for org, records in content.snapshots.items():
            for (collector, key), payload in records.items():
                try:
                    if key == _ATTEMPT:
                        attempts[org, collector] = _attempt(payload)
                    else:
                        self._restore_item(snapshots, org, collector, key, payload)
                except (ValueError, TypeError, KeyError, IndexError):
                    unreadable.append(org)
        if unreadable:
            log.warning("unreadable rows of the state file are skipped", rows=len(unreadable))
        # What was skipped is missing, so the org is polled at once.
        return {key: found for key, found in attempts.items() if key[0] not in unreadable}

    def _restore_item(
        self, snapshots: Snapshots, org: str, collector: str, key: str, payload: bytes
    ) -> None:
        now, monotonic = self._clock.now().timestamp(), self._clock.monotonic()
        snapshots.restore(org, collector, {key: decode(payload, now=now, monotonic=monotonic)})

    def save(self, org: str, snapshots: Snapshots, history: History) -> None:
        """Save everything of an org: what was saved of it belongs to another identity."""
        for collector, items in snapshots.of(org).items():
            self.items_changed(org, collector, items)
        for series, part, values in history.of(org):
            self.history_changed(org, series, part, values)

    def items_changed(self, org: str, collector: str, changes: Changes) -> None:
        """Save items, or remove those that were dropped."""
        identity = self._identity(org)
        if self._file is None:
            return
        now, monotonic = self._clock.now().timestamp(), self._clock.monotonic()
        for key, item in changes.items():
            if item is None:
                self._file.remove_snapshot(org, collector=collector, item=key)
            elif identity:
                payload = encode(item, collected=now + (item.collected - monotonic))
                self._file.put_snapshot(
                    org, identity, collector=collector, item=key, payload=payload
                )

    def save_attempt(self, org: str, collector: str, attempt: Attempt) -> None:
        """Save when a collector last ran."""
        identity = self._identity(org)
        if self._file is not None and identity:
            payload = json.dumps(astuple(attempt)).encode()
            self._file.put_snapshot(
                org, identity, collector=collector, item=_ATTEMPT, payload=payload
            )

    def history_changed(self, org: str, series: str, part: str, values: DailyValues | None) -> None:
        """Save the values of a series, or remove them."""
        identity = self._identity(org)
        if self._file is None or not identity:
            return
        if values is None:
            self._file.remove_history(org, series=series, part=part)
        else:
            self._file.put_history(org, identity, series=series, part=part, values=values)

    def close(self) -> None:
        """Write what is left and close the file."""
        if self._file is not None:
            self._file.close()

    def _identity(self, org: str) -> str:
        return self._identities.get(org, "")

    @staticmethod
    def _saved_identity(org: Org, identity: str) -> str:
        """Return the identity of saved data, which the scope of the history is part of."""
        if not identity:
            return ""
        text = json.dumps([identity, *map(str, scope_of(org))]).encode()
        return hashlib.blake2b(text, digest_size=16).hexdigest()


def _attempt(payload: bytes) -> Attempt:
    """Return a saved attempt. Raises ValueError or TypeError for anything else."""
    last_attempt, last_success, v2 = from_json(payload)
    return Attempt(finite(last_attempt), finite(last_success), bool(v2))
