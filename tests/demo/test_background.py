import asyncio
import socket
import threading
import time
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from exporter.demo.background import Background


async def hello(_):
    return PlainTextResponse("hello")


async def sleepy(_):
    await asyncio.sleep(60)


APP = Starlette(routes=[Route("/", hello), Route("/sleepy", sleepy)])


def test_an_application_is_served_while_the_context_lasts():
    with Background(APP) as background:
        url = background.url
        assert httpx.get(url).text == "hello"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_it_starts_and_stops_at_once_and_leaves_no_thread():
    before = threading.active_count()
    start = time.monotonic()
    with Background(APP) as background:
        httpx.get(background.url)
    assert time.monotonic() - start < 1
    assert threading.active_count() == before


def test_a_connection_that_is_kept_open_does_not_hold_it_up():
    with httpx.Client() as client:
        with Background(APP) as background:
            client.get(background.url)
            start = time.monotonic()
        assert time.monotonic() - start < 1


def test_a_request_under_way_is_cut_off_at_the_end(caplog):
    failures = []

    def ask(url):
        try:
            httpx.get(url + "/sleepy", timeout=30)
        except httpx.TransportError as error:
            failures.append(error)

    with Background(APP) as background, socket.create_connection(("127.0.0.1", _port(background))):
        thread = threading.Thread(target=ask, args=(background.url,))
        thread.start()
        time.sleep(0.2)
    thread.join(5)
    assert len(failures) == 1


def test_a_port_in_use_is_told_to_the_caller():
    with Background(APP) as background, pytest.raises(OSError, match="in use"):
        Background(APP, port=_port(background)).__enter__()


def test_an_application_that_does_not_start_is_told_to_the_caller(caplog):
    @asynccontextmanager
    async def broken(_):
        raise RuntimeError("no")
        yield

    with pytest.raises(RuntimeError, match="did not start"):
        Background(Starlette(lifespan=broken)).__enter__()


def test_an_ipv6_address_is_written_in_brackets():
    with Background(APP, host="::1") as background:
        assert background.url.startswith("http://[::1]:")
        assert httpx.get(background.url).text == "hello"


def _port(background):
    return int(background.url.rpartition(":")[2])
