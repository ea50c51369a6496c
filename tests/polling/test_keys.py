"""API keys that change while the exporter runs."""

from collections import Counter
from dataclasses import replace

import pytest
import structlog

from exporter.polling import keys
from exporter.polling.keys import ALL_KEYS_EVERY
from tests.integration.fake_api import Fault
from tests.polling.bench import only


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


@pytest.mark.parametrize("rejected", [True, False])
async def test_a_new_key_in_a_file_is_noticed_soon_and_keeps_the_values(
    bench, acme, api, tmp_path, rejected
):
    orgs = []
    for number in range(40):
        file = tmp_path / f"org{number}"
        file.write_text("0123456789abcdef" * 4)
        key = {"api_key": None, "api_key_file": file}
        orgs.append(replace(acme, key=f"org{number}", collectors=only("videos"), **key))
    exporter = bench(*orgs)
    api.faults = [Fault(status=401)] if rejected else []
    await exporter.settle()
    before = await exporter.values("org7")
    (tmp_path / "org7").write_text("fedcba9876543210" * 4)
    orgs[7]._key_file._looked = float("-inf")  # as after a second
    with structlog.testing.capture_logs() as logs:
        checks = 0
        while not logs and checks < ALL_KEYS_EVERY:
            exporter.poller.maintain()
            checks += 1
    assert [(entry["event"], entry["org"]) for entry in logs] == [
        ("API key changed, backoff is reset", "org7")
    ]
    assert checks == 1 or not rejected
    assert await exporter.values("org7") == before
    api.faults = []
    await exporter.settle()
    assert len(api.of("org7")) == (2 if rejected else 1)


async def test_the_keys_of_all_orgs_are_read_a_few_at_a_time(bench, acme, api, monkeypatch):
    orgs = [replace(acme, key=f"org{n}", collectors=only("videos")) for n in range(60)]
    exporter = bench(*orgs)
    await exporter.settle()
    reads = Counter()
    monkeypatch.setattr(keys, "identity_of", lambda org: reads.update([org.key]) or "")
    for number in range(1, ALL_KEYS_EVERY + 1):
        exporter.poller.maintain()
        assert reads.total() == 2 * number
    assert set(reads.values()) == {1}
    assert len(reads) == 60
