"""The load that a configuration puts on the API, and the number of its series."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, fsum

import httpx

from exporter import collectors
from exporter.check.series import Series, Size, process_series, series_of
from exporter.collectors import Collector
from exporter.scheduler import Stretch, stretch
from exporter.settings import Org, Settings

_HOUR = 3600.0
_ROUNDING = 1 + 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgPlan:
    """One org: its requests per hour by collector, averaged over a day, and its series.

    `requests_once` are sent once, for the past of a new org.
    """

    org: Org
    size: Size
    requests: Mapping[str, float]
    requests_once: int
    series: Series

    @property
    def requests_per_hour(self) -> float:
        """Return the requests per hour of all collectors."""
        return fsum(self.requests.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """One host: the demand of its orgs in requests per second, and how far intervals stretch."""

    origin: str
    demands: Mapping[str, float]
    rate_limit: float
    stretch: Stretch

    @property
    def demand(self) -> float:
        """Return the requests per second of all orgs."""
        return fsum(self.demands.values())

    @property
    def greedy(self) -> list[str]:
        """Return the orgs whose intervals stretch further than those of the others."""
        k = self.stretch.k
        return [org for org, factor in self.stretch.orgs.items() if factor > k * _ROUNDING]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole configuration. `process_series` do not belong to any org."""

    orgs: tuple[OrgPlan, ...]
    hosts: tuple[HostPlan, ...]
    process_series: int

    @property
    def fits(self) -> bool:
        """Whether the demand on every host is within its limit."""
        return all(host.stretch.k <= 1 for host in self.hosts)

    @property
    def requests_per_hour(self) -> float:
        """Return the requests per hour of all orgs, averaged over a day."""
        return fsum(each.requests_per_hour for each in self.orgs)

    @property
    def requests_once(self) -> int:
        """Return the requests of all orgs that are sent once."""
        return sum(each.requests_once for each in self.orgs)

    @property
    def series(self) -> int:
        """Return the series of `/metrics`."""
        return self.process_series + sum(each.series.total for each in self.orgs)

    @property
    def uncertain(self) -> int:
        """Return how many more series there are at most, depending on the data."""
        return sum(each.series.uncertain for each in self.orgs)

    def by_collector(self) -> dict[str, tuple[int, float]]:
        """Return for each collector how many orgs it is on for, and its requests per hour."""
        orgs: Counter[str] = Counter()
        requests: dict[str, float] = {}
        for each in self.orgs:
            orgs.update(each.requests.keys())
            for name, per_hour in each.requests.items():
                requests[name] = requests.get(name, 0.0) + per_hour
        return {name: (number, requests[name]) for name, number in orgs.items()}


def make_plan(settings: Settings, sizes: Mapping[str, Size]) -> Plan:
    """Return the plan of a configuration; `sizes` are those of its orgs by key."""
    page_size = settings.api.page_size
    orgs = tuple(_plan_of(org, sizes[org.key], page_size=page_size) for org in settings.orgs)
    demands: dict[str, dict[str, float]] = {}
    for each in orgs:
        of_host = demands.setdefault(_origin(each.org.base_url), {})
        of_host[each.org.key] = each.requests_per_hour / _HOUR
    limit = settings.api.rate_limit
    return Plan(
        orgs=orgs,
        hosts=tuple(
            HostPlan(
                origin=origin,
                demands=of_host,
                rate_limit=limit,
                stretch=stretch(of_host, capacity=limit),
            )
            for origin, of_host in demands.items()
        ),
        process_series=process_series({name for each in orgs for name in each.requests}),
    )


def _plan_of(org: Org, size: Size, *, page_size: int) -> OrgPlan:
    own = collectors.of(org)
    names = tuple(collector.name for collector in own)
    return OrgPlan(
        org=org,
        size=size,
        requests={c.name: _requests_per_hour(c, org, size, page_size=page_size) for c in own},
        requests_once=sum(collector.once for collector in own),
        series=series_of(org, names, size),
    )


def _requests_per_hour(collector: Collector, org: Org, size: Size, *, page_size: int) -> float:
    """Return the requests per hour of one collector, with all pages of lists of courses."""
    pages = max(ceil(size.courses / page_size), 1) if collector.paged else 1
    return pages * collector.requests_per_hour(org, courses=size.courses, mentors=size.mentors)


@lru_cache(maxsize=1024)
def _origin(base_url: str) -> str:
    url = httpx.URL(base_url)
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
