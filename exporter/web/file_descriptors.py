"""The limit of file descriptors, and how many of them connections may use."""

import sys
from contextlib import suppress

RESERVED = 100
"""Descriptors that are reserved for polling, files and logs."""

_MAX_LIMIT = 65_536
"""A hard limit may be a billion, and some libraries loop over all descriptors."""


def raise_limit() -> int | None:
    """Raise the soft limit to the hard limit, and return it. None means unlimited."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - Unix alone has it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MAX_LIMIT if hard == resource.RLIM_INFINITY else min(hard, _MAX_LIMIT)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return None if soft == resource.RLIM_INFINITY else soft


def connections_within(wanted: int, limit: int | None) -> int:
    """Return how many of `wanted` connections may be open with `limit` file descriptors.

    It leaves `RESERVED` descriptors, or half of a very low limit.
    """
    if limit is None:
        return wanted
    return max(1, min(wanted, limit - min(RESERVED, limit // 2)))
