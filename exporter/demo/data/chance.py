"""Repeatable random numbers: the same seed and names give the same numbers on every machine."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b, shake_128
from itertools import pairwise
from math import sqrt
from statistics import NormalDist

_PERIOD = 4096
"""Days after which the tables repeat."""

_PLANES = 8
STEPS = 1 << _PLANES
"""How finely the probability that somebody is active is resolved."""

_LEVEL_SPREAD = 0.05
_LEVEL_MEMORY = 0.85
"""Lag-1 autocorrelation of the level."""


class Chance:
    """Random counts, groups of people, levels and keys, drawn from one seed.

    Numbers for a day are looked up in long random tables at a place that a salt chooses, so
    any day is available at once and nothing is stored per org.
    """

    def __init__(self, seed: int, *, people: int) -> None:
        """Draw the tables; `people` is the largest group that is ever asked for."""
        self._seed = seed
        self._uniform = self._drawn("uniform")
        normal = NormalDist()
        self._normal = [normal.inv_cdf(u) for u in (*self._uniform[1:], self._uniform[0])]
        self._level = _autocorrelated([normal.inv_cdf(u) for u in self._drawn("level")])
        self._room = people + 8192
        size = (self._room + people + 7) // 8
        bits = shake_128(f"{seed} people".encode()).digest(size * _PLANES)
        self._planes = tuple(
            int.from_bytes(bits[i * size : (i + 1) * size], "little") for i in range(_PLANES)
        )
        # The same few probabilities occur in every org: drawing one costs 8 passes over the bits.
        self._below = lru_cache(maxsize=STEPS + 1)(self._draw_below)

    def integer(self, *names: object) -> int:
        """Return a number below 2**63 for `names`."""
        text = "\0".join(map(str, (self._seed, *names)))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1

    def unit(self, *names: object) -> float:
        """Return a number from 0 to (not including) 1 for `names`."""
        return self.integer(*names) / (1 << 63)

    def uniform(self, salt: int, days: range) -> Sequence[float]:
        """Return a number between 0 and 1 for each of `days`."""
        return _of(self._uniform, salt, days)

    def level(self, salt: int, day: int) -> float:
        """Return a factor around 1 that moves slowly from day to day."""
        return self._level[(day + salt) % _PERIOD]

    def counts(self, salt: int, scale: float, days: range, shape: Sequence[float]) -> list[int]:
        """Return a count for each of `days` with the mean and about the variance of a Poisson.

        The mean is `scale` times the day's `shape`.
        """
        normal = _of(self._normal, salt, days)
        uniform = _of(self._uniform, salt >> 16, days)
        counts = []
        for height, z, u in zip(shape, normal, uniform, strict=True):
            mean = scale * height
            # Rounding up with the probability of the fraction adds the noise of small means.
            spread = sqrt(mean) if mean > 1 else mean
            counts.append(max(int(mean + spread * z + u), 0))
        return counts

    def present(self, salt: int, size: int, steps: Iterable[tuple[int, int]]) -> int:
        """Return who of `size` people is active on any of some days, as a bit mask.

        `steps` pairs a day's ordinal with the probability in 256ths. Half of the people are
        regulars, each of the others comes on every third day at most. The same day with a lower
        probability is a subset: a day that is not over yet, or a drop.
        """
        expected = _expected(size)
        stride = 40503 * (1 + salt % 97)
        there = 0
        for day, step in steps:
            place = (salt + day * stride) % self._room
            there |= self._below(step) >> place & expected[day % 3]
        return there

    def _drawn(self, name: str) -> list[float]:
        drawn = shake_128(f"{self._seed} {name}".encode()).digest(_PERIOD)
        return [(byte + 0.5) / 256 for byte in drawn]

    def _draw_below(self, step: int) -> int:
        """Return the places of the table whose random byte is below `step`."""
        if step >= STEPS:
            return -1
        below = 0
        for bits in self._planes:
            # From the lowest bit of the random bytes up; a set bit here means theirs is 0. Below
            # is where `step` has a 1 and they a 0, or where they agree and were below so far.
            below = below | bits if step & 1 else below & bits
            step >>= 1
        return below


def _of(table: Sequence[float], salt: int, days: range) -> list[float]:
    """Return the numbers of `days` from a table, at a place that `salt` chooses."""
    return [table[(day + salt) % _PERIOD] for day in days]


def _autocorrelated(shocks: Sequence[float]) -> list[float]:
    """Return a first-order autoregressive series around 1, without a seam where it repeats."""
    fresh = sqrt(1 - _LEVEL_MEMORY**2)
    value, levels = 0.0, []
    for shock in (*shocks, *shocks):
        value = _LEVEL_MEMORY * value + fresh * shock
        levels.append(1 + _LEVEL_SPREAD * value)
    return levels[_PERIOD:]


@lru_cache(maxsize=4096)
def _expected(size: int) -> tuple[int, ...]:
    """Return who of `size` people may come on the first, second and third day of three."""
    regulars = size // 2
    others = size - regulars
    ends = [regulars + others * part // 3 for part in range(4)]
    return tuple((1 << regulars) - 1 | (1 << end) - (1 << start) for start, end in pairwise(ends))
