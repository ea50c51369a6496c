"""What `demo` and `simulate` need around the simulated platform."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from exporter.demo.background import Background
from exporter.demo.faults import Fault, FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.university import Drop, University

_FEW = 20
_RATE = 500.0
"""Requests per second in the demo: nobody is hurt, and the first figures come at once."""


@contextmanager
def simulated(
    *,
    orgs: int,
    courses: int,
    seed: int,
    drops: tuple[str, ...] = (),
    faults: tuple[str, ...] = (),
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[tuple[Background, University]]:
    """Serve a university while the context lasts.

    Raises ValueError for drops and faults that cannot be read, OSError for a port in use.
    """
    university = University(seed, orgs, courses, [Drop.parse(text) for text in drops])
    plan = FaultPlan([Fault.parse(text) for text in faults])
    platform = build_platform(university, faults=plan)
    with Background(platform, host=host, port=port) as running:
        yield running, university


def settings(url: str, university: University) -> Mapping[str, Any]:
    """Return the settings with which the exporter observes the university, by dotted path.

    A few orgs are visited so often that one can watch; many, as often as real ones.
    """
    few = len(university.orgs) <= _FEW
    return {
        "base_url": url,
        "interval": "30s" if few else "5m",
        "history_interval": "5m" if few else "1h",
        "learner_indexes": True,
        "api.rate_limit": _RATE,
        "log.level": "warning",
        "orgs": [
            {
                "key": org.key,
                "user_id": org.user_id,
                "api_key": org.api_key,
                "timezone": org.timezone,
                "mentors": list(org.mentors),
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
            f"    timezone: {org.timezone}",
            f"    mentors: [{', '.join(org.mentors)}]",
        ]
    return "\n".join(lines)


def banner(url: str, orgs: int) -> str:
    """Return what a person who started the demo wants to know."""
    # As it was called, where the shell would not find it by its name.
    name = "iblai-exporter" if shutil.which("iblai-exporter") else os.path.relpath(sys.argv[0])
    return f"""
  iblai-exporter demo: {orgs} orgs of a simulated university, polled over real HTTP

    {url}/            how every org fares
    {url}/metrics     what Prometheus reads

  Try next:
    curl -s {url}/metrics | grep iblai_active_users_7d
    {name} demo --drop acme:7:0.6
        engagement falls by 60 %: see {url}/orgs/acme
    {name} serve --config iblai.yml
        your own orgs (README, "Your own orgs")

  Ctrl-C ends it.
"""


def wait() -> None:
    """Wait until somebody wants the simulation to end."""
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()
