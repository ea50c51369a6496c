"""Expected ranges of the windows of every org, computed from its history once a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, cast

from exporter.catalog import Windowed
from exporter.history.expected import (
    REACH,
    SENSITIVITY,
    ExpectedRange,
    Kind,
    expected_range,
)
from exporter.history.store import History
from exporter.history.windows import sources, windows_by_end
from exporter.settings import Org
from exporter.windows import WINDOWS, Span


@dataclass(frozen=True, slots=True)
class _Known:
    """A range and what it was computed from."""

    inputs: int
    """A hash: the values themselves of a thousand orgs would take 80 MB."""
    found: ExpectedRange


def kind_of(measure: Windowed) -> Kind:
    """Return what a measure is, which decides on its noise."""
    if measure.unit in {"seconds", "usd"}:
        return Kind.SUM
    return Kind.AVERAGE if measure.name.startswith("avg_") else Kind.COUNT


def sensitivity_of(org: Org) -> float:
    """Return the accepted number of false alerts per metric and year."""
    named = SENSITIVITY.get(org.alerts.sensitivity)
    return float(org.alerts.sensitivity) if named is None else named


class ExpectedRanges:
    """Expected ranges by org, measure and window. One is computed again if its inputs changed."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[str, dict[tuple[str, str], _Known]] = {}

    def of(self, org: Org, measure: Windowed, window: str, *, end: date) -> ExpectedRange:
        """Return the expected range of the window that ends on `end`."""
        length = WINDOWS[window]
        past = Span(end - timedelta(days=REACH + length - 1), end - timedelta(days=1))
        values = sources(self._history, org.key, measure.name, length=length)
        inputs = hash(
            (
                end,
                org.alerts.sensitivity,
                org.quiet_days,
                *(each.fingerprint(past) for each in values),
            )
        )
        of_org = self._known.setdefault(org.key, {})
        known = of_org.get((measure.name, window))
        if known is None or known.inputs != inputs:
            found = expected_range(
                windows_by_end(
                    self._history, org.key, measure.name, length=length, end=end, reach=REACH
                ),
                end,
                length=cast("Literal[1, 7]", length),
                is_quiet=org.is_quiet,
                sensitivity=sensitivity_of(org),
                kind=kind_of(measure),
            )
            known = of_org[measure.name, window] = _Known(inputs, found)
        return known.found

    def forget(self, org: str) -> None:
        """Forget an org."""
        self._known.pop(org, None)
