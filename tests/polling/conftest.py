"""An exporter with a clock that a test moves, and an API that answers over real HTTP."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from exporter.settings import Org
from tests.conftest import FakeClock
from tests.integration.fake_api import FakeApi
from tests.polling.bench import Bench


@pytest.fixture
def clock():
    return FakeClock(datetime(2026, 5, 6, 12, tzinfo=UTC))


@pytest.fixture
def api(clock):
    with FakeApi(now=clock.now) as api:
        yield api


@pytest.fixture
def acme(api):
    return Org(
        key="acme",
        user_id="ops",
        api_key=SecretStr("0123456789abcdef" * 4),
        base_url=api.url,
        collectors={"past_active_users": False},
    )


@pytest.fixture
async def bench(api, clock):
    made = []

    def make(*orgs, **more):
        made.append(Bench(api, orgs, clock=clock, **more))
        return made[-1]

    yield make
    for each in made:
        await each.pipeline.close()
