"""From which generation of the API a collector's values come.

Guarantee: once the API itself has answered 404 or 410 for a seed's endpoint three times in a row,
the values come from the newer family, if it has them. While it is the source, the seeds are tried
every 12th time, and at once if the newer family fails, too: then the whole API was away, which
says nothing about the seeds.

No exception leaves `collect`: whatever happens becomes a result and an error.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from exporter.api.errors import ApiError
from exporter.collectors import Collector
from exporter.collectors.run import ITEM_ERRORS, ItemError, Result, Run, unexpected
from exporter.telemetry import SEEDS, V2

GONE_AFTER = 3
"""Responses of 404 or 410 in a row after which an endpoint of the seeds is gone."""

TRY_SEEDS_EVERY = 12
"""Runs from the newer family between two attempts at the seeds' endpoint."""

Outcome = tuple[Result, ItemError | None]
"""What a run collected, and the error of the run as a whole or of all its items."""


@dataclass(slots=True)
class Generation:
    """What is known of the seeds' endpoint of one collector of one org."""

    gone: int = 0
    """Times in a row that the API itself answered 404 or 410 for it."""
    runs_of_v2: int = 0
    """Runs since the newer family is the source; 0 while the seeds are."""

    @classmethod
    def resumed(cls, *, v2: bool) -> Self:
        """Return what is known after a restart; `v2` is whether that was the source."""
        return cls(gone=GONE_AFTER, runs_of_v2=1) if v2 else cls()

    @property
    def v2(self) -> bool:
        """Whether the values come from the newer family."""
        return self.runs_of_v2 > 0

    @property
    def may_be_gone(self) -> bool:
        """Whether the endpoint was gone the last time, but not often enough."""
        return 0 < self.gone < GONE_AFTER

    @property
    def is_gone(self) -> bool:
        """Whether the endpoint is gone."""
        return self.gone >= GONE_AFTER

    @property
    def name(self) -> str:
        """The generation that the values come from."""
        return V2 if self.v2 else SEEDS

    def observe(self, error: ItemError | None) -> None:
        """Note how a run from the seeds' endpoint ended."""
        self.gone = self.gone + 1 if isinstance(error, ApiError) and error.gone else 0

    def expect_gone(self) -> None:
        """Try the newer family after one more 404."""
        self.gone = GONE_AFTER - 1

    async def collect(self, collector: Collector, run: Run, *, whole: bool) -> Outcome:
        """Collect from the seeds' endpoint, or from the newer family once that is gone.

        A run that is not the `whole` collector shows nothing about an endpoint: the few courses or
        mentors that it is about may not exist.
        """
        if collector.v2 is None or not whole:
            v2 = collector.v2 if self.v2 else None
            return await _attempt(v2 or collector.collect, run)
        if self.runs_of_v2 % TRY_SEEDS_EVERY == 0:
            outcome = await _attempt(collector.collect, run)
            self.observe(outcome[1])
            if not self.is_gone:
                self.runs_of_v2 = 0
                return outcome
        outcome = await _attempt(collector.v2, run)
        self.runs_of_v2 = 0 if outcome[1] else self.runs_of_v2 + 1
        return outcome


async def _attempt(collect: Callable[[Run], Awaitable[Result]], run: Run) -> Outcome:
    try:
        result = await collect(run)
    except ITEM_ERRORS as error:
        return Result(), error
    except Exception as error:  # noqa: BLE001 - whatever happens, polling goes on
        return Result(), unexpected(error, run)
    return result, result.error
