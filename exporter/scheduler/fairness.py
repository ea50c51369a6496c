"""How intervals stretch if demand exceeds the rate limit of a host."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass

GREEDY = 4.0
"""An org may have this many times the median demand before its intervals count as longer."""

STEPS = 4
"""Steps per doubling of an excess: the fewer different ones, the cheaper the order of the queue."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """How far intervals stretch.

    `k` is demand divided by capacity, at least 1. `orgs` has a factor for each org: its intervals
    are that many times longer than configured. It is below `k` if greedy orgs yield to the rest.
    """

    k: float
    orgs: Mapping[str, float]


def excess(demands: Mapping[str, float]) -> dict[str, float]:
    """Return how many times the demand of an org is above what is fair, for those above it.

    Demands are in requests per second. Fair is four times the median of all orgs with a demand:
    the lower one of two, so that one of two orgs can be greedy and a single org never is.
    """
    positive = [demand for demand in demands.values() if demand > 0]
    if not positive:
        return {}
    fair = GREEDY * statistics.median_low(positive)
    rounded = {org: _rounded(demand / fair) for org, demand in demands.items() if demand > fair}
    return {org: factor for org, factor in rounded.items() if factor > 1}


def stretch(demands: Mapping[str, float], *, capacity: float) -> Stretch:
    """Return how far the intervals of each org stretch.

    Demands and `capacity` are in requests per second; a capacity of 0 is no limit. The factor of
    an org is max(1, x * its excess), with x such that what remains of the demand is the capacity.
    """
    total = math.fsum(demands.values())
    if capacity <= 0 or total <= capacity:
        return Stretch(k=1.0, orgs=dict.fromkeys(demands, 1.0))
    excesses = excess(demands)
    factors = {org: excesses.get(org, 1.0) for org in demands}
    # The greediest stretch first. Each further org that stretches lets x go lower.
    stretched, rest = 0.0, total
    x = math.inf
    for org in sorted(demands, key=lambda org: -factors[org]):
        if x * factors[org] <= 1:
            break
        stretched += demands[org] / factors[org]
        rest -= demands[org]
        # Above capacity the rest cannot be served as configured: more orgs have to stretch.
        x = stretched / (capacity - rest) if rest < capacity else math.inf
    return Stretch(
        k=total / capacity,
        orgs={org: max(1.0, x * factor) for org, factor in factors.items()},
    )


def _rounded(factor: float) -> float:
    return float(2.0 ** (round(STEPS * math.log2(factor)) / STEPS))
