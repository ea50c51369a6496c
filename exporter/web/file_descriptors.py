"""File descriptors: how many there may be, and how many of them are for connections."""

import sys
from contextlib import suppress

RESERVED = 100
"""Descriptors that connections of clients never take: for polling, files and logs."""

_ENOUGH = 65_536
"""Descriptors asked for at most. A hard limit may be a billion, which some libraries walk."""


def raise_limit() -> int | None:
    """Raise the soft limit of open files to the hard one, and return it; None without a limit."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - Unix alone has it

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox may forbid it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    return None if soft == resource.RLIM_INFINITY else soft


def connections_within(wanted: int, limit: int | None) -> int:
    """Return how many connections may be open if `wanted` are allowed and `limit` files.

    Never so many that fewer than `RESERVED` descriptors are left, or half of a very low limit.
    """
    if limit is None:
        return wanted
    return max(1, min(wanted, limit - min(RESERVED, limit // 2)))
