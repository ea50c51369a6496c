"""A quicker start: imports without what a service never needs, and without garbage rounds."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_FOR_TERMINALS = ("httpx._main", "rich")
"""httpx's own command, and what structlog draws tracebacks with. Both libraries do without where
these are not installed; they are a sixth of all imports, and 4 MB."""


@contextmanager
def imports(*, terminal: bool) -> Iterator[None]:
    """Have what is imported meanwhile take less time.

    Nearly all that an import makes stays, so the garbage collector would look at more and more
    in vain, for a sixth of the time. Without a `terminal`, what is for terminals alone is not
    found, as if it were not installed.
    """
    hidden = [name for name in _FOR_TERMINALS if not terminal and name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # None: there is no such
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        for name in hidden:
            del sys.modules[name]
