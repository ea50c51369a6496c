"""What a backfill is to do: the orgs, days and labels of its output."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from exporter import __version__
from exporter.settings import Org

SUFFIX = ".om"

_IRRELEVANT = frozenset(
    {
        "api_key",
        "api_key_file",
        "auth_scheme",
        "user_id",
        "interval",
        "history_interval",
        "max_staleness",
    }
)
"""Settings of an org that do not change the output."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """The days `start` to `end` of each org, with a sample every `step` seconds.

    `output` is a directory with one file for each day of UTC, or a single file.
    """

    orgs: tuple[Org, ...]
    start: date
    end: date
    step: int
    output: Path
    directory: bool
    labels: Mapping[str, str]

    @property
    def state(self) -> Path:
        """The directory of the state file, next to the output."""
        if self.directory:
            return self.output / ".state"
        return self.output.with_name(f"{self.output.name}.state")

    def constants(self, org: Org) -> dict[str, str]:
        """Return the labels of every series of `org`."""
        return {**org.constants(), **self.labels}

    def outputs(self) -> list[Path]:
        """Return the output files that exist."""
        if self.directory:
            return sorted(self.output.glob(f"*{SUFFIX}"))
        return [self.output] if self.output.exists() else []

    def options(self) -> dict[str, str]:
        """Return everything that the output depends on except for the collected values."""
        orgs = [
            {
                field.name: repr(getattr(org, field.name))
                for field in dataclasses.fields(org)
                if field.init and field.name not in _IRRELEVANT
            }
            for org in self.orgs
        ]
        digest = hashlib.sha256(json.dumps(orgs, sort_keys=True).encode()).hexdigest()
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "step": str(self.step),
            "labels": json.dumps(dict(self.labels), sort_keys=True),
            "configuration": digest,
            "version": __version__,
        }
