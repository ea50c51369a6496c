"""The service: its startup and its reloads."""

import asyncio
import threading
from dataclasses import replace

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from exporter.exposition import Format
from exporter.service import Service
from exporter.settings import ConfigError, Org, Settings

ACME = Org(key="acme", user_id="ops", api_key=SecretStr("a-key-that-is-none"))
EMPTY = Settings(orgs=())


@pytest.fixture
def missing(tmp_path):
    """Return an org whose key file does not exist."""
    return Org(key="globex", user_id="ops", api_key_file=tmp_path / "no-such-key")


def service(settings, *loaded):
    """Return a service whose configuration is replaced by each of `loaded` in turn."""
    queue = iter(loaded)

    def load():
        found = next(queue)
        if isinstance(found, Exception):
            raise found
        return found

    return Service(settings, load=load)


def last_reload_successful(of):
    page = of._pipeline.telemetry.process_text(Format.TEXT).decode()
    name = "iblai_exporter_config_last_reload_successful"
    return next(float(line.split()[1]) for line in page.splitlines() if line.startswith(f"{name} "))


# Startup.


async def test_an_org_whose_key_cannot_be_read_does_not_prevent_the_start(missing):
    found = service(Settings(orgs=(ACME, missing)))
    assert found.orgs.keys() == {"acme", "globex"}


def test_if_no_org_can_work_the_error_names_each_org_and_its_file(missing):
    with pytest.raises(ConfigError) as caught:
        service(Settings(orgs=(missing, replace(missing, key="initech"))))
    problems = caught.value.problems
    assert len(problems) == 2
    for problem, org in zip(problems, ("globex", "initech"), strict=True):
        assert problem.startswith(f"{org}: ")
        assert str(missing.api_key_file) in problem


async def test_a_shard_without_orgs_starts():
    assert service(EMPTY).orgs == {}


# Reloads.


async def test_a_reload_accepts_what_a_start_accepts(missing):
    found = service(Settings(orgs=(ACME,)), Settings(orgs=(ACME, missing)))
    await found.reload()
    assert found.orgs.keys() == {"acme", "globex"}
    assert last_reload_successful(found) == 1


async def test_an_invalid_configuration_never_replaces_a_valid_one():
    before = Settings(orgs=(ACME,))
    found = service(before, ConfigError(["line 3: unknown key `orgz`"]))
    with capture_logs() as logs, pytest.raises(ConfigError):
        await found.reload()
    assert found.settings is before
    assert last_reload_successful(found) == 0
    [line] = [entry for entry in logs if entry["log_level"] == "error"]
    assert line["problem"] == "line 3: unknown key `orgz`"


async def test_a_reload_that_found_no_change_says_so():
    before = Settings(orgs=(ACME,))
    found = service(before, Settings(orgs=(ACME,)), Settings(orgs=(replace(ACME, interval=60.0),)))
    for changed in (False, True):
        with capture_logs() as logs:
            await found.reload()
        [event] = [e["event"] for e in logs if e["event"].startswith("reloaded")]
        assert ("nothing has changed" in event) is not changed


async def test_signals_during_a_reload_cause_one_more_reload():
    loads, begun, go = [], threading.Event(), threading.Event()

    def load():
        loads.append(1)
        begun.set()
        go.wait(5)
        return EMPTY

    found = Service(EMPTY, load=load)
    storm = [asyncio.create_task(found._reload_quietly()) for _ in range(300)]
    await asyncio.to_thread(begun.wait, 5)
    go.set()
    await asyncio.gather(*storm)
    assert len(loads) == 2
    await found._reload_quietly()
    assert len(loads) == 3
