"""The measures of an org as its page shows them: windows, expected ranges and charts of days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from exporter import catalog
from exporter.catalog import Windowed
from exporter.collectors import COLLECTORS, CORE
from exporter.history.ranges import ExpectedRanges
from exporter.history.store import History
from exporter.settings import Org
from exporter.web import charts, texts
from exporter.windows import local_date

CHART_DAYS = 35
"""Days that the small charts show."""

_SHOWN = tuple(measure for measure in catalog.WINDOWED if measure.labels == ("org",))
_WITHOUT_ALERT = frozenset(
    measure.name for measure in (catalog.UNENROLLMENTS, catalog.REGISTRATIONS, catalog.COST)
)
"""Measures of which no alert fires when they are low."""

_CORE_ENDPOINTS = frozenset(c.endpoint for c in COLLECTORS if c.group == CORE)


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure over one window, with its expected range or the reason why it has none."""

    text: str
    expected: str = ""
    change: str = ""
    tone: str = ""
    low: str = ""
    alert: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure in each window that has a value."""

    title: str
    core: bool
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Chart:
    """One measure of an org by day."""

    title: str
    core: bool
    svg: str
    first: date
    last: date
    latest: str


def is_core(measure: Windowed) -> bool:
    """Return whether a measure belongs to the collectors that are always on."""
    return measure.endpoint in _CORE_ENDPOINTS


def rows(
    org: Org, known: Mapping[str, float], ranges: ExpectedRanges, *, now: datetime
) -> list[MeasureRow]:
    """Return the measures that have a value; `known` are those that are served, by metric."""
    yesterday = local_date(now, org.zone) - timedelta(days=1)

    def cell(measure: Windowed, window: str) -> Cell:
        value, unit = known[measure.at(window).name], measure.unit
        text = texts.amount(value, unit)
        if window not in measure.expected:
            return Cell(text)
        expected = known.get(measure.expected_at(window).name)
        low = known.get(measure.expected_low_at(window).name)
        return Cell(
            text,
            expected="" if expected is None else texts.amount(expected, unit),
            change=texts.change(value, expected),
            tone=texts.tone(value, expected, measure),
            low="" if low is None else texts.amount(low, unit),
            alert=measure.name not in _WITHOUT_ALERT,
            reason="" if low is not None else ranges.of(org, measure, window, end=yesterday).reason,
        )

    found = []
    for measure in _SHOWN:
        windows = [window for window in measure.windows if measure.at(window).name in known]
        if windows:
            cells = {window: cell(measure, window) for window in windows}
            found.append(MeasureRow(measure.title, is_core(measure), cells))
    return found


def daily_charts(org: Org, history: History, *, now: datetime) -> Iterator[Chart]:
    """Return a chart of the last complete days of each measure that has daily values."""
    today = local_date(now, org.zone)
    for measure in _SHOWN:
        known = history.series(org.key, measure.name).items()
        days = dict([(day, value) for day, value in known if day < today][-CHART_DAYS:])
        if days:
            last = max(days)

            def shown(value: float, unit: str = measure.unit) -> str:
                return texts.amount(value, unit)

            yield Chart(
                measure.title,
                is_core(measure),
                charts.bars(measure.title, days, shown=shown),
                min(days),
                last,
                texts.amount(days[last], measure.unit),
            )
