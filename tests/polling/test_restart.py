"""What another process makes of the state of an earlier one."""

from dataclasses import replace

from pydantic import SecretStr

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
