from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from exporter.demo.background import Background
from exporter.demo.faults import FaultPlan
from exporter.demo.platform import build_platform
from exporter.demo.university import DemoOrg, University
from tests.recorder import Recorder, RecorderMiddleware

NOON = datetime(2026, 3, 18, 16, 0, tzinfo=UTC)
"""A Wednesday in term: noon in New York, the evening in Berlin."""


class Simulation:
    """A running platform, and a client that has the keys."""

    def __init__(self, university: University) -> None:
        self.university = university
        self.plan = FaultPlan()
        self.recorder = Recorder()
        self.moment = NOON

    def connect(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=5)

    @property
    def acme(self) -> DemoOrg:
        return self.university.orgs[0]

    def get(self, path: str, org: DemoOrg | None = None, **query: Any) -> httpx.Response:
        """Request as `org` (acme); `{org}` and `{user_id}` in the path are its own."""
        org = org or self.acme
        return self.client.get(
            path.replace("{org}", org.key).replace("{user_id}", org.user_id),
            params=query or None,
            headers={"Authorization": f"Api-Token {org.api_key}"},
        )

    def json(self, path: str, org: DemoOrg | None = None, **query: Any) -> Any:
        answer = self.get(path, org, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def running() -> Iterator[Callable[..., Simulation]]:
    with ExitStack() as stack:

        def start(university: University | None = None, **how: Any) -> Simulation:
            simulation = Simulation(university or University())
            app = build_platform(
                simulation.university,
                now=lambda: simulation.moment,
                faults=simulation.plan,
                **how,
            )
            recorded = RecorderMiddleware(app, recorder=simulation.recorder)
            simulation.connect(stack.enter_context(Background(recorded)).url)
            stack.callback(simulation.client.close)
            return simulation

        yield start


@pytest.fixture
def run() -> Iterator[Callable[..., Simulation]]:
    """Start platforms that end with the test."""
    with running() as start:
        yield start


@pytest.fixture(scope="session")
def shared() -> Iterator[Simulation]:
    with running() as start:
        yield start()


@pytest.fixture
def platform(shared: Simulation) -> Simulation:
    """Return a platform without faults and records."""
    shared.plan.clear()
    shared.recorder.clear()
    shared.moment = NOON
    return shared
