"""Opens the listening socket."""

import contextlib
import errno
import socket

from exporter.settings import listen

BACKLOG = 512
"""Connections that the kernel holds until they are accepted."""


class BindError(Exception):
    """The listen address cannot be used; the text says why and what to do."""


def bind(address: str) -> socket.socket:
    """Open a listening socket on `[HOST]:PORT`.

    Without a host it listens on every address, IPv6 and IPv4. A host name may have several
    addresses; the first that can be used is taken, IPv4 before IPv6 as in Prometheus. Raises
    `BindError`.
    """
    host, port = listen(address)
    try:
        if not host and socket.has_dualstack_ipv6():
            with contextlib.suppress(OSError):  # the kernel may have IPv6 switched off
                return socket.create_server(
                    ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
                )
        return _first_usable(host, port)
    except OSError as error:
        raise BindError(f"cannot listen on {address}: {_reason(error, host)}") from None


def _first_usable(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(
        host or "0.0.0.0",  # noqa: S104 # no host means every address
        port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )
    failed: OSError | None = None
    for family, _, _, _, place in sorted(found, key=lambda one: one[0] == socket.AF_INET6):
        try:
            return socket.create_server(place, family=family, backlog=BACKLOG)
        except OSError as error:
            failed = failed or error
    raise failed or OSError(errno.EADDRNOTAVAIL, "no address")


def _reason(error: OSError, host: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host name {host} has no address here; check it, or write an IP address"
    match error.errno:
        case errno.EADDRINUSE:
            return "the port is in use. Stop what uses it, or choose another --web.listen-address"
        case errno.EADDRNOTAVAIL:
            return "the address is not one of this machine; leave the host out to use every one"
        case errno.EACCES | errno.EPERM:
            return "it is not permitted. Choose a port from 1024 on, or give the right to bind it"
        case _:
            return f"{error.strerror or error}. Choose another --web.listen-address"
