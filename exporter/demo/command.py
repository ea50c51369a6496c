"""What `demo` and `simulate` need around the simulated platform."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

from exporter.demo.background import Background
from exporter.demo.data.calendar import breaks
from exporter.demo.data.drop import Drop
from exporter.demo.endpoints import Generation
from exporter.demo.faults import Fault, FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.university import University
from exporter.settings.schema import EXTRAS

_FEW = 20
_RATE = 500.0
"""Requests per second in the demo: nobody else uses the platform, so values come at once."""

_NEW_ORG = 3
"""Place of the org that is new, if there are so many."""

_NEW_FOR = timedelta(days=5)


@contextmanager
def simulated(
    *,
    orgs: int,
    courses: int,
    seed: int,
    drops: tuple[str, ...] = (),
    faults: tuple[str, ...] = (),
    generation: Generation = "both",
    stale_costs: bool = False,
    late_data: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[tuple[Background, University]]:
    """Serve a university while the context lasts. Its fourth org is five days old.

    Raises ValueError for invalid drops and faults, OSError for a port in use.
    """
    new = {f"org-{_NEW_ORG + 1:04}": _today() - _NEW_FOR} if orgs > _NEW_ORG else {}
    university = University(seed, orgs, courses, [Drop.parse(text) for text in drops], opened=new)
    platform = build_platform(
        university,
        generation=generation,
        stale_costs=stale_costs,
        late_data=late_data,
        faults=FaultPlan([Fault.parse(text) for text in faults]),
    )
    with Background(platform, host=host, port=port) as running:
        yield running, university


def settings(url: str, university: University) -> Mapping[str, Any]:
    """Return the settings with which the exporter observes the university, by dotted path.

    A few orgs are polled so often that one can watch; many, as often as real ones.
    """
    few = len(university.orgs) <= _FEW
    year = _today().year
    return {
        "base_url": url,
        "interval": "30s" if few else "5m",
        "history_interval": "5m" if few else "1h",
        "extras": list(EXTRAS),
        "topics": True,
        "learner_indexes": True,
        "quiet_days": [f"{first}/{last}" for first, last in breaks(year - 1, year + 1)],
        "api.rate_limit": _RATE,
        "log.level": "warning",
        "orgs": [
            {
                "key": org.key,
                "user_id": org.user_id,
                "api_key": org.api_key,
                "mentors": ["all"],
            }
            for org in university.orgs
        ],
    }


def example_config(url: str, university: University) -> str:
    """Return a configuration file for `serve` that fits the university."""
    lines = ["# iblai-exporter serve --config FILE, with this as FILE", f"base_url: {url}", "orgs:"]
    for org in university.orgs:
        lines += [
            f"  - key: {org.key}",
            f"    user_id: {org.user_id}",
            f"    api_key: {org.api_key}",
            f"    mentors: [{', '.join(org.mentors)}]",
        ]
    return "\n".join(lines)


def banner(url: str, orgs: int) -> str:
    """Return what a person who started the demo wants to know."""
    # The name as it was typed, if the shell would not find the command by its own.
    name = "iblai-exporter" if shutil.which("iblai-exporter") else os.path.relpath(sys.argv[0])
    return f"""
  iblai-exporter demo: {orgs} orgs of a simulated university, polled over real HTTP

    {url}/            state of every org
    {url}/metrics     what Prometheus scrapes

  Try next:
    curl -s {url}/metrics | grep iblai_active_users_7d
    {name} demo --drop acme:7:0.6
        engagement falls by 60 %: see {url}/orgs/acme
    {name} serve --config iblai.yml
        your own orgs (README, "Your own orgs")

  Stop with Ctrl-C.
"""


def wait() -> None:
    """Wait for SIGINT or SIGTERM."""
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()


def _today() -> date:
    return datetime.now(UTC).date()
