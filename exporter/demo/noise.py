"""Repeatable chance: the same seed and names give the same numbers on every machine."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b, shake_128
from itertools import pairwise

_PERIOD = 4096
_PLANES = 8
LEVELS = 1 << _PLANES
"""How finely a density is told apart."""

_SPREAD = 0.12


class Noise:
    """Chance for counts, crowds and keys, drawn from one seed.

    Numbers for a day are looked up in long random tables at a place that the subject's salt
    chooses, so that any day is reached at once and nothing needs to be kept.
    """

    def __init__(self, seed: int, *, crowd: int) -> None:
        """Draw the tables; `crowd` is the largest number of learners ever asked for."""
        self._seed = seed
        swing = shake_128(f"{seed} swing".encode()).digest(_PERIOD)
        odds = shake_128(f"{seed} odds".encode()).digest(_PERIOD)
        self._swing = tuple(1 - _SPREAD + 2 * _SPREAD * byte / 255 for byte in swing) * 2
        self._odds = tuple((byte + 0.5) / 256 for byte in odds) * 2
        self._room = crowd + 8192
        size = (self._room + crowd + 7) // 8
        bits = shake_128(f"{seed} crowd".encode()).digest(size * _PLANES)
        self._planes = tuple(
            int.from_bytes(bits[i * size : (i + 1) * size], "little") for i in range(_PLANES)
        )
        self._below = lru_cache(maxsize=LEVELS + 1)(self._draw_below)

    def integer(self, *names: object) -> int:
        """Return a number below 2**63 for `names`."""
        text = "\0".join(map(str, (self._seed, *names)))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) >> 1

    def unit(self, *names: object) -> float:
        """Return a number from 0 to (not including) 1 for `names`."""
        return self.integer(*names) / (1 << 63)

    def counts(self, salt: int, scale: float, days: range, shape: Sequence[float]) -> list[int]:
        """Return a count for each of `days`: `scale` times its `shape`, with noise.

        Small expectations come out as an occasional 1, so that sums stay true.
        """
        swing = self._for(days, self._swing, salt)
        odds = self._for(days, self._odds, salt >> 16)
        return [
            int(scale * height * by + odd)
            for height, by, odd in zip(shape, swing, odds, strict=True)
        ]

    def crowd(self, salt: int, size: int, levels: Iterable[tuple[int, int]]) -> int:
        """Return who of `size` people is there on any of some days, as a bit mask.

        `levels` pairs each day's ordinal with how many of 256 come. Half of the people are
        regulars, each of the others comes on every third day at most. The same day at a lower
        level is a subset: a day that is not over yet, or a drop.
        """
        expected = _expected(size)
        step = 40503 * (1 + salt % 97)
        there = 0
        for day, level in levels:
            place = (salt + day * step) % self._room
            there |= self._below(level) >> place & expected[day % 3]
        return there

    def _for(self, days: range, table: Sequence[float], salt: int) -> Sequence[float]:
        first = (days.start + salt) % _PERIOD
        if first + len(days) <= len(table):
            return table[first : first + len(days)]
        return [table[(first + place) % _PERIOD] for place in range(len(days))]

    def _draw_below(self, level: int) -> int:
        """Return the places of the table whose random byte is below `level`."""
        if level >= LEVELS:
            return -1
        below = 0
        for bits in self._planes:
            # From the lowest bit of the random bytes up; a set bit here means theirs is 0. Below
            # is where the level has a 1 and they a 0, or where they agree and were below so far.
            below = below | bits if level & 1 else below & bits
            level >>= 1
        return below


@lru_cache(maxsize=4096)
def _expected(size: int) -> tuple[int, ...]:
    """Return who of `size` people may come on the first, second and third day of three."""
    regulars = size // 2
    others = size - regulars
    ends = [regulars + others * part // 3 for part in range(4)]
    return tuple((1 << regulars) - 1 | (1 << end) - (1 << start) for start, end in pairwise(ends))
