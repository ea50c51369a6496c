"""What polling reads and writes."""

from dataclasses import dataclass

from exporter.api.hosts import Hosts
from exporter.clock import Clock
from exporter.collectors.run import Api
from exporter.exposition.orgs import OrgRenderer
from exporter.history.store import History
from exporter.saved import SavedState
from exporter.snapshots import Snapshots
from exporter.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The parts of the exporter that polling works with."""

    api: Api
    hosts: Hosts
    snapshots: Snapshots
    renderer: OrgRenderer
    history: History
    telemetry: Telemetry
    saved: SavedState
    clock: Clock
