"""Shards: which of several exporters with one configuration serves which org."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

SHARD = "IBLAI_EXPORTER_SHARD"
SHARDS = "IBLAI_EXPORTER_SHARDS"
POD_NAMES = ("POD_NAME", "HOSTNAME")
"""Variables with the name of the pod, from the downward API or the kubelet."""

_NOTATION = re.compile(r"(0|[1-9][0-9]{0,5})/([1-9][0-9]{0,5})", re.ASCII)
_COUNT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_ORDINAL = re.compile(r".+-(0|[1-9][0-9]{0,5})", re.ASCII)

_MULTIPLIER = 2862933555777941757
_WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `of` shards, counted from 0. Raises ValueError if there is no such shard."""

    ordinal: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.ordinal < self.of:
            last = self.of - 1
            raise ValueError(
                f"there is no shard {self.ordinal} of {self.of}; they are counted from 0 to {last}"
            )

    def __str__(self) -> str:
        return f"{self.ordinal}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the shard that `0/3` names. Raises ValueError that says what is wrong."""
        match = _NOTATION.fullmatch(text.strip())
        if match is None:
            raise ValueError("is no shard; write N/M, such as 0/3 for the first of three")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """Return the shard that the environment names, or None.

        Either `IBLAI_EXPORTER_SHARD=0/3`, or `IBLAI_EXPORTER_SHARDS=3` in a pod of a StatefulSet,
        whose name ends in its ordinal. Raises ValueError that names the variable.
        """
        one, count = environ.get(SHARD, "").strip(), environ.get(SHARDS, "").strip()
        if one:
            try:
                shard = cls.parse(one)
            except ValueError as error:
                raise ValueError(f"{SHARD}: {error}") from None
            if count and count != str(shard.of):
                raise ValueError(f"{SHARD} and {SHARDS} disagree; set one of them")
            return shard
        if not count:
            return None
        if not _COUNT.fullmatch(count):
            raise ValueError(f"{SHARDS} is no number of shards; write 3 for three")
        return cls._of_pod(int(count), environ)

    @classmethod
    def _of_pod(cls, of: int, environ: Mapping[str, str]) -> Self:
        name = next((environ[variable] for variable in POD_NAMES if environ.get(variable)), "")
        match = _ORDINAL.fullmatch(name)
        if match is None:
            raise ValueError(
                f"{SHARDS} needs the name of a pod of a StatefulSet, such as exporter-2, in "
                f"{' or '.join(POD_NAMES)}; or set {SHARD} to N/M"
            )
        try:
            return cls(int(match[1]), of)
        except ValueError as error:
            raise ValueError(
                f"{SHARDS}: {error}. Have as many replicas as shards: {name} is one too many"
            ) from None

    def keeps(self, org_key: str) -> bool:
        """Return whether this shard serves an org: of all the shards, exactly one does."""
        return shard_of(org_key, self.of) == self.ordinal


def shard_of(org_key: str, of: int) -> int:
    """Return the ordinal of the shard, among `of`, that serves an org.

    The same in every process and version. One shard more takes its share from all others, and
    nothing moves between those.
    """
    digest = hashlib.blake2b(org_key.encode(), digest_size=8, person=b"iblai-shard").digest()
    return jump(int.from_bytes(digest, "big"), of)


def jump(key: int, buckets: int) -> int:
    """Return the bucket of a 64-bit key (Lamping and Veach, "A Fast, Minimal Memory … Hash")."""
    bucket, following = -1, 0
    while following < buckets:
        bucket = following
        key = (key * _MULTIPLIER + 1) & _WORD
        following = (bucket + 1) * (1 << 31) // ((key >> 33) + 1)
    return bucket
