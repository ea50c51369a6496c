"""A quicker start: what libraries load for a terminal alone is kept out of a service."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_FOR_TERMINALS = ("httpx._main", "rich")
"""httpx's own command, and what structlog draws tracebacks with. Both libraries do without where
these are not installed; they are a fifth of all imports, and 4 MB."""


@contextmanager
def without_terminals() -> Iterator[None]:
    """Have what is imported meanwhile find them not installed."""
    hidden = [name for name in _FOR_TERMINALS if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: there is no such
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
