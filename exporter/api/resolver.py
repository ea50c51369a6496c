"""Resolves host names in daemon threads.

A lookup can take half a minute. The default executor has few threads, and the process waits for
them when it exits.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from aiohttp.abc import AbstractResolver, ResolveResult

LOOKUPS = 32
"""Lookups at the same time."""

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

T = TypeVar("T")


class Resolver(AbstractResolver):
    """Resolves names with the system's resolver."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises what `socket.getaddrinfo` raises."""

        def look_up() -> list[ResolveResult]:
            # Without AI_ADDRCONFIG, which hides IPv6 addresses on machines whose only one is ::1.
            found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
            return [_result(host, *item) for item in found]

        async with self._slots:
            return await _in_thread(look_up)

    async def close(self) -> None:
        """Do nothing: there are no resources."""


def _result(
    host: str, family: int, _kind: int, proto: int, _name: str, address: tuple[object, ...]
) -> ResolveResult:
    # A link-local address needs its scope, which only this call writes out.
    numeric, port = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)  # type: ignore[arg-type]  # as `getaddrinfo` gave it
    return ResolveResult(
        hostname=host, host=numeric, port=int(port), family=family, proto=proto, flags=_NUMERIC
    )


async def _in_thread(call: Callable[[], T]) -> T:
    """Return what `call` returns, from a thread of its own."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if future.done():  # cancelled
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # one of the two is there

    def run() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as raised:  # noqa: BLE001 - raised where the result is awaited
            error = raised
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True, name="name lookup").start()
    return await future
