"""API keys that change while the exporter runs."""

from dataclasses import replace


async def test_a_key_that_cannot_be_read_fails_its_org_alone(bench, acme, api, tmp_path):
    missing = tmp_path / "globex"
    globex = replace(acme, key="globex", api_key=None, api_key_file=missing)
    exporter = bench(acme, globex)
    await exporter.settle()
    assert await exporter.value("iblai_up") == 1
    assert await exporter.value("iblai_up", org="globex") == 0
    missing.write_text("0123456789abcdef" * 4)
    exporter.poller.maintain()
    await exporter.settle()
    assert await exporter.value("iblai_up", org="globex") == 1
