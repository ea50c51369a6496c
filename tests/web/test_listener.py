import errno
import socket

import pytest

from exporter.web import listener
from exporter.web.listener import BindError, bind


@pytest.fixture
def resolved(monkeypatch):
    """Return a way to say what a host name resolves to."""

    def resolve(name, *addresses):
        real = socket.getaddrinfo

        def lookup(host, port, *place, **options):
            if host != name:
                return real(host, port, *place, **options)
            if not addresses:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [found for one in addresses for found in real(one, port, **options)]

        monkeypatch.setattr(listener.socket, "getaddrinfo", lookup)

    return resolve


def reached(sock, host):
    """Return whether a client reaches `sock` at `host`."""
    with socket.create_connection((host, sock.getsockname()[1]), timeout=5) as client:
        return client.getpeername()[1] == sock.getsockname()[1]


def test_without_a_host_ipv4_and_ipv6_are_served():
    with bind(":0") as sock:
        assert reached(sock, "127.0.0.1")
        assert reached(sock, "::1")


def test_without_ipv6_ipv4_is_served(monkeypatch):
    def create(place, *, family, **options):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(place, family=family, **options)

    real = socket.create_server
    monkeypatch.setattr(listener.socket, "create_server", create)
    with bind(":0") as sock:
        assert reached(sock, "127.0.0.1")


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
def test_an_address_or_name_is_served(address):
    with bind(address) as sock:
        assert reached(sock, address.rpartition(":")[0].strip("[]"))


def test_a_host_name_with_only_an_ipv6_address_is_served(resolved):
    resolved("exporter.example", "::1")
    with bind("exporter.example:0") as sock:
        assert sock.family == socket.AF_INET6
        assert reached(sock, "::1")


def test_of_several_addresses_ipv4_is_preferred(resolved):
    resolved("exporter.example", "::1", "127.0.0.1")
    with bind("exporter.example:0") as sock:
        assert sock.family == socket.AF_INET


def test_an_address_that_cannot_be_used_is_passed_over(resolved):
    resolved("exporter.example", "192.0.2.1", "::1")
    with bind("exporter.example:0") as sock:
        assert reached(sock, "::1")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("exporter.example:0", "host name exporter.example has no address here"),
        ("192.0.2.1:0", "not one of this machine"),
        ("[2001:db8::1]:0", "not one of this machine"),
    ],
)
def test_the_reason_for_a_failure_is_told(resolved, address, says):
    resolved("exporter.example")
    with pytest.raises(BindError, match=says) as caught:
        bind(address)
    assert str(caught.value).startswith(f"cannot listen on {address}: ")


def test_a_port_in_use_is_told():
    with bind("127.0.0.1:0") as sock, pytest.raises(BindError, match="the port is in use"):
        bind(f"127.0.0.1:{sock.getsockname()[1]}")
