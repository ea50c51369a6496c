import asyncio
import socket
import threading

import pytest

from exporter.api import resolver
from exporter.api.resolver import Resolver


async def test_a_name_has_the_addresses_that_the_system_knows():
    found = await Resolver().resolve("localhost", 80, socket.AF_UNSPEC)
    assert {result["host"] for result in found} <= {"127.0.0.1", "::1"}
    assert {result["port"] for result in found} == {80}
    assert {result["hostname"] for result in found} == {"localhost"}


async def test_an_address_within_one_link_keeps_its_scope():
    one = resolver._result("x", socket.AF_INET6, 0, 6, "", ("fe80::1", 443, 0, 1))
    assert one["host"] == "fe80::1%lo"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 300, "a..b"])
async def test_a_name_that_is_none_is_an_error(host):
    with pytest.raises((socket.gaierror, UnicodeError)):
        await Resolver().resolve(host, 80)


@pytest.fixture
def silent(monkeypatch):
    """Have the system think about every name until it is told to go on."""
    go = threading.Event()
    asked = []

    def think(host, *_, **__):
        asked.append(host)
        go.wait(10)
        return []

    monkeypatch.setattr("socket.getaddrinfo", think)
    yield asked
    go.set()


async def test_a_lookup_that_hangs_holds_up_neither_the_loop_nor_the_end_of_the_process(silent):
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await Resolver().resolve("slow.example", 80)
    threads = [t for t in threading.enumerate() if t.name == "name lookup"]
    assert threads
    assert all(thread.daemon for thread in threads)


async def test_so_many_names_are_looked_up_at_a_time_and_no_more(silent):
    names = Resolver()
    tasks = [asyncio.create_task(names.resolve(f"{n}.example", 80)) for n in range(100)]
    await asyncio.sleep(0.1)
    assert len(silent) == resolver.LOOKUPS
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
