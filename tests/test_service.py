import asyncio
import threading

import pytest
from pydantic import SecretStr

from exporter.service import Service
from exporter.settings import ConfigError, Org, Settings

ACME = Org(key="acme", user_id="ops", api_key=SecretStr("a-key-that-is-none"))


async def test_hang_ups_that_come_during_a_reload_are_one_more_reload():
    loads, begun, go = [], threading.Event(), threading.Event()

    def load():
        loads.append(1)
        begun.set()
        go.wait(5)
        return Settings(orgs=())

    service = Service(Settings(orgs=()), load=load)
    storm = [asyncio.create_task(service._reload_quietly()) for _ in range(300)]
    await asyncio.to_thread(begun.wait, 5)
    go.set()
    await asyncio.gather(*storm)
    assert len(loads) == 2
    await service._reload_quietly()
    assert len(loads) == 3


def test_a_key_that_cannot_be_read_at_the_start_is_an_error_that_names_org_and_file(tmp_path):
    missing = tmp_path / "no-such-key"
    orgs = ACME, Org(key="globex", user_id="ops", api_key_file=missing)
    with pytest.raises(ConfigError, match=f"^globex: .*{missing}.* does not exist; create it"):
        Service(Settings(orgs=orgs), load=lambda: None)
