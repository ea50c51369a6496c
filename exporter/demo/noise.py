"""Repeatable chance: the same seed and names give the same numbers on every machine."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, shake_128

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
        self._room = 4 * crowd + 16384
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
        first = (days.start + salt) % _PERIOD
        other = (days.start + (salt >> 16)) % _PERIOD
        places = range(len(days))
        if len(days) > _PERIOD:
            swing = [self._swing[(first + i) % _PERIOD] for i in places]
            odds = [self._odds[(other + i) % _PERIOD] for i in places]
        else:
            swing = list(self._swing[first : first + len(days)])
            odds = list(self._odds[other : other + len(days)])
        return [
            int(scale * height * by + odd)
            for height, by, odd in zip(shape, swing, odds, strict=True)
        ]

    def crowd(self, salt: int, ordinal: int, *, size: int, level: int) -> int:
        """Return who of `size` people is there on a day, as a bit mask.

        `level` of 256 come, half of them regulars and the others three times as seldom. The
        same day at a lower level is a subset: a day that is not over yet, or a drop.
        """
        place = (salt + ordinal * 40503 * (1 + salt % 97)) % self._room
        regulars = (1 << (size // 2)) - 1
        come = (self._below(level) >> place) & regulars
        seldom = (self._below(level // 3) >> place) & ((1 << size) - 1)
        return come | seldom

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
