"""No client can hold the port up: neither by what it sends nor by what it does not."""

import asyncio
import errno
import socket
import ssl
import time

import pytest
import trustme

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def with_header(size):
    """Return a request whose request line and headers have `size` bytes."""
    frame = b"GET / HTTP/1.1\r\nHost: x\r\nA: %s\r\n\r\n"
    return frame % (b"a" * (size - len(frame) + 2))


async def test_headers_of_just_under_64_kib_are_accepted(serving):
    async with serving() as connect:
        assert (await (await connect()).ask(with_header(64 * 1024)))[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        with_header(64 * 1024 + 50),
        with_header(1 << 20),
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 12_000 + b"\r\n",
        GET + with_header(100_000),
    ],
    ids=["one header", "a large one", "a long path", "many headers", "the second request"],
)
async def test_more_than_64_kib_of_headers_are_answered_431(serving, request_):
    async with serving() as connect:
        client = await connect()
        if request_.startswith(GET):
            assert (await client.ask(GET))[0] == 200
            request_ = request_.removeprefix(GET)
        status, body = await client.ask(request_)
        assert (status, body) == (431, b"Request Header Fields Too Large\n")
        client.writer.close()


async def test_a_header_of_100_mib_is_rejected_without_holding_anybody_up(serving, sockets):
    async with serving(linger=60) as connect:
        slowest = 0.0

        def attack():
            hostile = sockets(connect.address)
            hostile.sendall(b"GET / HTTP/1.1\r\nA: ")
            for _ in range(100):
                hostile.sendall(bytes(1 << 20).replace(b"\0", b"a"))
            return hostile.recv(100)

        attacking = asyncio.create_task(asyncio.to_thread(attack))
        scraper = await connect()
        while not attacking.done():
            began = time.monotonic()
            assert (await scraper.ask())[0] == 200
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(0.01)
        assert (await attacking).startswith(b"HTTP/1.1 431 ")
        assert slowest < 2


@pytest.mark.parametrize(
    "sent", [b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: "], ids=repr
)
async def test_a_request_that_does_not_arrive_in_time_is_answered_408(serving, sent):
    async with serving(receive=0.3) as connect:
        client = await connect()
        assert (await client.ask(sent))[0] == 408
        assert await client.rest() == b""


async def test_headers_that_trickle_do_not_extend_the_time(serving):
    async with serving(receive=0.5) as connect:
        client = await connect()
        client.writer.write(b"GET / HTTP/1.1\r\n")
        answering = asyncio.create_task(client.response())
        while not answering.done():
            client.writer.write(b"A: b\r\n")
            await asyncio.sleep(0.05)
        assert (await answering)[0] == 408


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
async def test_a_connection_on_which_nothing_is_asked_is_closed(serving, sent):
    async with serving(receive=0.3) as connect:
        client = await connect()
        client.writer.write(sent)
        assert await client.rest() == b""


async def test_empty_lines_do_not_keep_an_idle_connection_open(serving):
    async with serving(receive=0.3) as connect:
        client = await connect()
        assert (await client.ask())[0] == 200
        client.writer.write(b"\r\n")
        assert await client.rest(within=5) == b""


async def test_a_large_body_is_answered_413(serving):
    async with serving() as connect:
        told = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n"
        assert (await (await connect()).ask(told))[0] == 413
        chunks = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks += (b"1000\r\n" + bytes(4096) + b"\r\n") * 256
        # The application may be quicker than the second 64 KiB.
        assert (await (await connect()).ask(chunks))[0] in {405, 413}


async def test_what_is_not_http_is_answered_400(serving):
    async with serving() as connect:
        assert (await (await connect()).ask(b"\x16\x03\x01" + bytes(1 << 20)))[0] == 400


@pytest.mark.parametrize("line", [b"CONNECT x:443", b"GET http://x:99999/"])
async def test_a_target_that_is_no_path_is_answered_400(serving, line):
    async with serving() as connect:
        client = await connect()
        assert (await client.ask(line + b" HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 400
        assert await client.rest() == b""


async def test_a_body_without_end_is_cut_off(serving):
    async with serving(linger=0.2) as connect:
        client = await connect()
        client.writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.response())[0] == 405
        closed = asyncio.create_task(client.rest())
        while not closed.done():
            client.writer.write(b"1000\r\n" + bytes(4096) + b"\r\n")
            await asyncio.sleep(0.001)


async def test_a_body_that_does_not_come_does_not_keep_the_connection(serving):
    async with serving(receive=0.3) as connect:
        client = await connect()
        status, _ = await client.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1")
        assert status == 405
        assert await client.rest() == b""


async def test_a_small_body_is_read_and_the_connection_goes_on(serving):
    async with serving() as connect:
        client = await connect()
        request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
        assert (await client.ask(request))[0] == 405
        assert (await client.ask())[0] == 200


async def test_requests_sent_without_waiting_are_answered_in_order(serving):
    async with serving() as connect:
        client = await connect()
        client.writer.write(GET * 500)
        assert [(await client.response())[0] for _ in range(500)] == [200] * 500


async def test_idle_connections_are_closed_after_the_keep_alive_time_and_not_before(serving):
    async with serving(receive=0.2, keep_alive=1) as connect:
        client = await connect()
        assert (await client.ask())[0] == 200
        await asyncio.sleep(0.5)  # longer than a request may take, shorter than idle ones stay
        assert (await client.ask())[0] == 200
        began = time.monotonic()
        assert await client.rest() == b""
        assert time.monotonic() - began > 0.8


@pytest.mark.parametrize("end", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
async def test_a_client_that_does_not_take_its_response_is_cut_off(serving, sockets, end):
    async with serving(keep_alive=1) as connect:
        slow = sockets(connect.address)
        slow.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n" + end + b"\r\n")
        await asyncio.sleep(2)
        taken = await asyncio.to_thread(drain, slow)
        assert taken < 64 << 20


def drain(sock):
    taken = 0
    try:
        while chunk := sock.recv(1 << 20):
            taken += len(chunk)
    except OSError:
        pass
    return taken


async def test_the_longest_idle_connection_gives_way_at_the_limit(serving):
    async with serving(max_connections=3) as connect:
        clients = []
        for _ in range(3):
            clients.append(await connect())
            assert (await clients[-1].ask())[0] == 200
        assert (await clients[0].ask())[0] == 200  # now the second one is idle the longest
        newest = await connect()
        assert (await newest.ask())[0] == 200
        assert await clients[1].rest() == b""
        assert [(await one.ask())[0] for one in (clients[0], clients[2], newest)] == [200] * 3


async def test_a_request_under_way_does_not_give_way_to_idle_ones(serving, sockets):
    async with serving(max_connections=2) as connect:
        busy = sockets(connect.address)
        busy.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await asyncio.to_thread(busy.recv, 1)
        for _ in range(5):
            assert (await (await connect()).ask())[0] == 200
        assert await asyncio.to_thread(drain, busy) >= 64 << 20


async def test_scrapes_work_while_1000_connections_pile_up(serving, sockets):
    async with serving(max_connections=20) as connect:
        for number in range(1000):
            hostile = sockets(connect.address)
            hostile.sendall((b"", b"GET / HTTP/1.1\r\nA: ", b"\r\n")[number % 3])
            if number % 100 == 0:
                assert (await (await connect()).ask())[0] == 200
            await asyncio.sleep(0)
        assert (await (await connect()).ask())[0] == 200


async def test_scrapes_work_while_slow_readers_take_every_place(serving, sockets):
    async with serving(max_connections=5) as connect:
        for _ in range(20):
            sockets(connect.address).sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.01)
        assert (await (await connect()).ask())[0] == 200


@pytest.fixture
def secured(tmp_path):
    """Return a web configuration with TLS, and a client's context for it."""
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    made.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    config = tmp_path / "web.yml"
    config.write_text("tls_server_config: {cert_file: server.pem, key_file: server.pem}\n")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return config, context


async def test_a_tls_handshake_has_limited_time(serving, sockets, secured):
    config, context = secured
    async with serving(config=config, receive=0.5) as connect:
        silent = sockets(connect.address)
        began = time.monotonic()
        assert await asyncio.to_thread(silent.recv, 1) == b""
        assert time.monotonic() - began < 5
        assert (await (await connect(ssl=context)).ask())[0] == 200


async def test_tls_handshakes_that_stand_still_give_way(serving, sockets, secured):
    config, context = secured
    async with serving(config=config, max_connections=5) as connect:
        for number in range(200):
            sockets(connect.address).sendall(b"\x16\x03\x01" if number % 2 else b"")
            await asyncio.sleep(0)
        assert (await (await connect(ssl=context)).ask())[0] == 200


async def test_rejection_reaches_a_client_with_tls(serving, secured):
    config, context = secured
    async with serving(config=config, linger=0.5) as connect:
        client = await connect(ssl=context)
        assert (await client.ask(with_header(300_000)))[0] == 431
        assert await client.rest() == b""


async def test_without_a_descriptor_left_an_idle_connection_gives_way(serving, monkeypatch):
    accept, failures = socket.socket.accept, []

    def exhausted(sock):
        if failures:
            raise OSError(failures.pop(), "Too many open files")
        return accept(sock)

    async with serving() as connect:
        idle = await connect()
        assert (await idle.ask())[0] == 200
        failures.append(errno.EMFILE)
        monkeypatch.setattr(socket.socket, "accept", exhausted)
        assert (await (await connect()).ask())[0] == 200
        assert await idle.rest() == b""
        assert not failures


async def test_a_client_that_left_before_it_was_accepted_troubles_nobody(serving, monkeypatch):
    accept, failures = socket.socket.accept, []

    def aborted(sock):
        if not failures:
            failures.append(1)
            raise ConnectionAbortedError(errno.ECONNABORTED, "Software caused connection abort")
        return accept(sock)

    async with serving() as connect:
        monkeypatch.setattr(socket.socket, "accept", aborted)
        assert (await (await connect()).ask())[0] == 200
        assert failures
