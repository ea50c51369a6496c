"""The service: its startup and its reloads."""

import asyncio
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from exporter import catalog
from exporter.exposition import Format
from exporter.service import Service
from exporter.settings import ConfigError, Log, Org, Settings, Web

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


def own_metric(of, name):
    page = of._pipeline.telemetry.process.text(Format.TEXT).decode()
    return float(re.search(rf"^iblai_exporter_{name} (.+)$", page, re.MULTILINE)[1])


def last_reload_successful(of):
    return own_metric(of, "config_last_reload_successful")


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


RESTART = {
    "web.listen_address": {"web": Web(listen_address=":1")},
    "web.config_file": {"web": Web(config_file=Path("web.yml"))},
    "log": {"log": Log(level="error")},
    "state_dir": {"state_dir": Path("state")},
}


@pytest.mark.parametrize("setting", RESTART)
async def test_a_setting_that_needs_a_restart_is_in_the_metric_its_help_and_the_log(setting):
    found = service(EMPTY, replace(EMPTY, **RESTART[setting]), EMPTY)
    with capture_logs() as logs:
        await found.reload()
    assert own_metric(found, "restart_required") == 1
    assert any(setting in entry.get("any_of", "") for entry in logs)
    assert setting in catalog.RESTART_REQUIRED.help
    await found.reload()
    assert own_metric(found, "restart_required") == 0


def test_no_other_setting_is_said_to_need_a_restart():
    assert set(catalog.RESTART_SETTINGS) == set(RESTART)


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
