"""The hosts of the API: one queue of requests per host, for all its orgs."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import httpx

from exporter.scheduler import Collection, HostQueue, Stretch, excess, stretch
from exporter.settings import ApiLimits

_WEIGHT = 0.02
"""Weight of the last request in the mean duration of requests."""


@dataclass(slots=True)
class Host:
    """One origin. `duration` is the mean duration of requests in seconds."""

    origin: httpx.URL
    queue: HostQueue
    duration: float = 0.0

    def observe(self, seconds: float) -> None:
        """Record how long a request with a response took."""
        self.duration += (_WEIGHT if self.duration else 1.0) * (seconds - self.duration)


@dataclass(frozen=True, slots=True)
class Site:
    """The location of the API of an org: its host, and a prefix of all paths."""

    host: Host
    prefix: str


class Hosts:
    """All hosts, by the base URL of orgs."""

    def __init__(
        self,
        limits: ApiLimits,
        *,
        start: Callable[[Collection], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`start` is called with each collection that gets its first slot."""
        self._limits = limits
        self._start = start
        self._now = now
        self._hosts: dict[str, Host] = {}
        self._sites: dict[str, Site] = {}

    def site(self, base_url: str) -> Site:
        """Return the host and the path prefix of a base URL."""
        return self._sites.get(base_url) or self._add(base_url)

    def set_limits(self, limits: ApiLimits) -> None:
        """Change the limits of later requests."""
        self._limits = limits
        for host in self._hosts.values():
            host.queue.set_limits(concurrency=limits.concurrency, rate=limits.rate_limit)

    def share(self, demands: Mapping[str, Mapping[str, float]]) -> Iterator[Stretch]:
        """Yield how far intervals stretch on each host, and limit orgs with excessive demand.

        `demands` are requests per second by base URL and org. The capacity of a host is the rate
        limit, or less if its responses are slow.
        """
        by_host: dict[str, dict[str, float]] = {}
        for base_url, orgs in demands.items():
            by_host.setdefault(str(self.site(base_url).host.origin), {}).update(orgs)
        for origin, orgs in by_host.items():
            host = self._hosts[origin]
            host.queue.set_weights(excess(orgs))
            yield stretch(orgs, capacity=self._capacity(host))

    def _capacity(self, host: Host) -> float:
        limits = [self._limits.rate_limit] if self._limits.rate_limit else []
        if host.duration:
            limits.append(self._limits.concurrency / host.duration)
        return min(limits, default=0.0)

    def _add(self, base_url: str) -> Site:
        prefix = quote(urlsplit(base_url).path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        whole = httpx.URL(base_url)
        origin = httpx.URL(f"{whole.scheme}://{whole.netloc.decode('ascii')}")
        host = self._hosts.get(str(origin))
        if host is None:
            queue = HostQueue(
                concurrency=self._limits.concurrency,
                rate=self._limits.rate_limit,
                start=self._start,
                now=self._now,
            )
            host = self._hosts[str(origin)] = Host(origin, queue)
        site = self._sites[base_url] = Site(host, prefix)
        return site
