"""What another process makes of the state of an earlier one."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from exporter.history.database import FILE_NAME
from tests.integration.fake_api import Fault
from tests.polling.bench import is_value


async def test_a_restart_serves_what_is_valid_and_requests_nothing_that_is_known(
    bench, acme, api, clock, tmp_path
):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    before = await first.series()
    await first.pipeline.close()
    api.received.clear()
    api.faults = [Fault(status=503)]
    clock.advance(60)
    second = bench(acme, state_dir=tmp_path)
    assert second.poller.ready
    await second.settle()
    after = await second.series()
    values = {k: v for k, v in before.items() if ("org", "acme") in k[1] and is_value(k[0])}
    assert {k: after.get(k) for k in values} == values
    assert api.received == []
    assert await second.value("iblai_up") == 1


async def test_a_restart_after_midnight_serves_no_value_of_the_day_before(
    bench, acme, api, clock, tmp_path
):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    await first.pipeline.close()
    clock.advance(13 * 3600)
    api.faults = [Fault(status=503)]
    second = bench(acme, state_dir=tmp_path)
    await second.settle()
    assert not {name for name in await second.names() if "_today" in name}


async def test_another_key_gets_nothing_of_the_saved_state(bench, acme, api, clock, tmp_path):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    await first.pipeline.close()
    api.faults = [Fault(status=503)]
    second = bench(replace(acme, api_key=SecretStr("f" * 64)), state_dir=tmp_path)
    await second.settle()
    assert "iblai_enrollments_7d" not in await second.names()


async def test_a_restart_soon_after_midnight_serves_no_value_of_the_day_before(
    bench, acme, api, clock, tmp_path
):
    clock.advance(12 * 3600 - 60)
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    await first.pipeline.close()
    clock.advance(120)
    api.faults = [Fault(status=503)]
    second = bench(acme, state_dir=tmp_path)
    names = await second.names()
    assert not {name for name in names if "_today" in name}
    assert "iblai_enrollments_7d" in names


async def test_a_restart_across_midnight_collects_the_complete_days_soon(
    bench, acme, clock, tmp_path
):
    midnight = datetime(2026, 5, 7, tzinfo=UTC)
    clock.advance((midnight - clock.now()).total_seconds() - 600)
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    await first.pipeline.close()
    clock.advance(603)
    second = bench(acme, state_dir=tmp_path)
    await second.pass_time(120, step=10)
    for collector in ("videos", "chat", "enrollments", "active_users"):
        end = await second.value("iblai_window_end_timestamp_seconds", collector=collector)
        assert end == midnight.timestamp(), collector


async def test_a_restart_serves_nothing_that_is_stale(bench, acme, api, clock, tmp_path):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    await first.pipeline.close()
    clock.advance(1000)
    api.faults = [Fault(status=503)]
    second = bench(acme, state_dir=tmp_path)
    assert await second.value("iblai_enrollments_today") is None
    assert await second.value("iblai_enrollments_7d") == 21


HOSTILE = {
    "payload": "UPDATE snapshots SET payload = x'7b7d' WHERE collector = 'chat' AND item = 'org'",
    "text": "UPDATE snapshots SET item = CAST(x'ff' AS TEXT) WHERE collector = 'chat'"
    " AND item = 'org'",
    "attempt": "UPDATE snapshots SET payload = '[1e999,1]' WHERE item = '.attempt'"
    " AND collector = 'chat'",
    "history": "UPDATE history SET daily = x'00' WHERE series = 'chat_sessions'",
    "day": "UPDATE history SET first_day = '9999-12-31' WHERE series = 'chat_sessions'",
    "null": "UPDATE snapshots SET payload = x'6e756c6c' WHERE collector = 'chat'",
}


@pytest.mark.parametrize("row", HOSTILE)
async def test_an_org_with_unreadable_rows_in_its_state_is_polled_at_once(
    bench, acme, api, clock, tmp_path, row
):
    globex = replace(acme, key="globex")
    first = bench(acme, globex, state_dir=tmp_path)
    await first.settle()
    wanted = await first.values("acme"), await first.values("globex")
    await first.pipeline.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        changed = db.execute(f"{HOSTILE[row]} AND org = (SELECT id FROM orgs WHERE org = 'acme')")
        assert changed.rowcount > 0
    db.close()
    api.received.clear()
    clock.advance(20)
    second = bench(acme, globex, state_dir=tmp_path)
    assert await second.values("globex") == wanted[1]
    await second.settle()
    assert await second.values("acme") == wanted[0]
    assert api.of("globex") == []
    assert any("average-messages" in request.path for request in api.of("acme"))


async def test_rows_that_are_missing_from_the_state_are_collected_at_once(
    bench, acme, api, clock, tmp_path
):
    first = bench(acme, state_dir=tmp_path)
    await first.settle()
    wanted = await first.values()
    await first.pipeline.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("DELETE FROM snapshots WHERE item != '.attempt'")
    db.close()
    second = bench(acme, state_dir=tmp_path)
    await second.settle()
    assert await second.values() == wanted
