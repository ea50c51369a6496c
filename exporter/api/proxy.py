"""The proxy of a request, by the environment variables that curl and Go use.

A host is reached without a proxy if it is loopback, or if curl or Go would bypass the proxy for it
with this `NO_PROXY`.
"""

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote, urlsplit

import httpx
from yarl import URL

from exporter.api.errors import Kind
from exporter.api.transport_errors import TransportError
from exporter.problems import ConfigError

_PORTS = {"http": 80, "https": 443}
_SOCKS = frozenset({"socks", "socks4", "socks4a", "socks5", "socks5h"})
_HOST = re.compile(r"[A-Za-z0-9_.-]+")
_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::(\d*))?")
_WITH_PORT = re.compile(r"([^:]+):(\d*)")

_EXAMPLE = "write for instance http://user:password@proxy.example:3128"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its URL without credentials, and the headers that hold them."""

    url: URL
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class NoProxy:
    """The hosts that are reached without a proxy. A port of None is every port."""

    everything: bool = False
    networks: tuple[tuple[Network, int | None], ...] = ()
    names: tuple[tuple[str, bool, int | None], ...] = ()
    """A domain, whether the domain itself is meant beside its subdomains, and a port."""

    @classmethod
    def parse(cls, text: str) -> "NoProxy":
        """Return the rules in a value of `NO_PROXY`. Entries that are malformed have no effect."""
        networks, names = [], []
        for entry in filter(None, re.split(r"[,\s]+", text.lower())):
            if entry == "*":
                return cls(everything=True)
            host, port = _split_port(entry)
            if network := _network(host):
                networks.append((network, port))
            elif name := _plain_name(host.removeprefix("*.")):
                names.append((name, not host.startswith("*."), port))
        return cls(networks=tuple(networks), names=tuple(names))

    def covers(self, host: str, port: int) -> bool:
        """Return whether a host is reached without a proxy."""
        if self.everything:
            return True
        if address := _address(host):
            return address.is_loopback or any(
                address in network and of in {None, port} for network, of in self.networks
            )
        name = _plain_name(host)
        if name == "localhost" or name.endswith(".localhost"):
            return True
        return any(
            (name.endswith(f".{domain}") or (itself and name == domain)) and of in {None, port}
            for domain, itself, of in self.names
        )


class Proxies:
    """The proxies of an environment. An invalid proxy fails only its own requests."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._by_scheme: dict[str, Proxy | None] = {}
        self._problems: dict[str, str] = {}
        for scheme in _PORTS:
            name, text = _first_set(environ, f"{scheme}_proxy", "all_proxy")
            try:
                self._by_scheme[scheme] = _parse(text) if text else None
            except ValueError as error:
                self._problems[scheme] = f"{name}: {error}"
        self._no_proxy = NoProxy.parse(_first_set(environ, "no_proxy")[1])

    @property
    def problems(self) -> list[str]:
        """What is wrong with the variables, without the credentials in them."""
        return list(dict.fromkeys(self._problems.values()))

    def proxy_for(self, url: httpx.URL) -> Proxy | None:
        """Return the proxy for a URL. Raises `TransportError` if it is invalid."""
        host = url.raw_host.decode("ascii")
        if self._no_proxy.covers(host, url.port or _PORTS[url.scheme]):
            return None
        if url.scheme in self._problems:
            raise TransportError(self._problems[url.scheme], kind=Kind.PROXY)
        return self._by_scheme[url.scheme]


def check_proxies(environ: Mapping[str, str] = os.environ) -> None:
    """Raise `ConfigError` if a proxy variable is invalid, without the credentials in it."""
    if problems := Proxies(environ).problems:
        raise ConfigError(problems)


def _first_set(environ: Mapping[str, str], *names: str) -> tuple[str, str]:
    """Return the first variable that is not empty, and its value. Lower case has precedence."""
    for name in _spellings(names):
        if text := environ.get(name, "").strip():
            return name, text
    return "", ""


def _spellings(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield name
        yield name.upper()


def _parse(text: str) -> Proxy:
    """Return the proxy that a variable names. Raises ValueError, without quoting the variable."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(f"is not the address of a proxy; {_EXAMPLE}") from None
    if scheme in _SOCKS:
        raise ValueError("names a SOCKS proxy, which is not supported; name an HTTP proxy")
    if scheme not in _PORTS:
        raise ValueError("has an unknown scheme; it must begin with http:// or https://")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ValueError("has a special character in its password; percent-encode / ? # there")
    host = _plain_name(host)
    if not (_HOST.fullmatch(host) or _address(host)) or port == 0:
        raise ValueError(f"is not the address of a proxy; {_EXAMPLE}")
    url = URL.build(scheme=scheme, host=host, port=port or _PORTS[scheme])
    if parts.username is None:
        return Proxy(url)
    user, password = unquote(parts.username), unquote(parts.password or "")
    if ":" in user:
        raise ValueError("has a user name with a colon, which proxies cannot be sent")
    login = b64encode(f"{user}:{password}".encode()).decode("ascii")
    return Proxy(url, {"Proxy-Authorization": f"Basic {login}"})


def _split_port(entry: str) -> tuple[str, int | None]:
    """Return the host and the port of an entry; the brackets of an IPv6 address are removed."""
    match = _BRACKETED.fullmatch(entry) or _WITH_PORT.fullmatch(entry)
    if match is None:
        return entry, None
    host, port = match.groups()
    return host, int(port) if port else None


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> Address | None:
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _plain_name(name: str) -> str:
    """Return a name in lower case, in ASCII, without dots around it."""
    name = name.lower().strip(".")
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name
