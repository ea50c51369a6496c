"""Measures with one value per day: a single request brings today, all windows and the history."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import TypeVar

from exporter.api.endpoints import Endpoint
from exporter.api.payloads import ByDay, PayloadError
from exporter.catalog import Windowed
from exporter.collectors.run import NewItem, Result, Run
from exporter.history.expected import REACH
from exporter.history.series import DailyValues
from exporter.history.windows import average
from exporter.samples import Samples
from exporter.windows import TODAY, WINDOWS, Span

EXPECTED_DAYS = REACH + max(WINDOWS.values())
"""Complete days kept of a measure with an expected range."""

WINDOW_DAYS = max(WINDOWS.values())
"""Complete days kept of every other measure."""

V = TypeVar("V")


def series(
    measure: Windowed,
    parse: Callable[[bytes], ByDay[float]],
    query: Mapping[str, str] | None = None,
) -> Callable[[Run], Awaitable[Result]]:
    """Return a collector of one measure: today, all windows, and its history."""

    async def collect(run: Run) -> Result:
        result = Result()
        await add(run, result, measure, parse, query)
        return result

    collect.__doc__ = f"{measure.title}."
    return collect


async def add(
    run: Run,
    result: Result,
    measure: Windowed,
    read: Callable[[bytes], ByDay[float]],
    query: Mapping[str, str] | None = None,
) -> None:
    """Request the days of a measure that are missing or can still change, and add its items."""
    days = EXPECTED_DAYS if measure.expected else WINDOW_DAYS
    span = run.unsettled(measure.name, days=days)
    values = await request(run, measure.endpoint, read, span=span, query=query)
    run.history.update(run.org.key, measure.name, days=values)
    known = run.history.series(run.org.key, measure.name)
    add_windows(run, result, measure.name, {measure: known.total}, known=known)


async def request(
    run: Run,
    endpoint: Endpoint,
    read: Callable[[bytes], ByDay[V]],
    *,
    span: Span | None,
    query: Mapping[str, str] | None = None,
    path_params: Mapping[str, str] | None = None,
    subject: str = "",
) -> Mapping[date, V | None]:
    """Return a value, or None for unknown, for every day of `span`.

    Without a span nothing is requested. Raises `ApiError`, and `PayloadError` if no day has a
    value.
    """
    if span is None:
        return {}
    response = await run.request(
        endpoint, read, span=span, query=query, path_params=path_params, subject=subject
    )
    try:
        values = response.days_in(span)
    except PayloadError as error:
        raise run.unreadable(endpoint, error) from None
    run.count(endpoint, response.errors_in(span))
    if all(value is None for value in values.values()):
        raise PayloadError(f"{endpoint.template}: no day has a value")
    return values


WindowFunction = Callable[[Span], float | None]


def add_windows(
    run: Run,
    result: Result,
    key: str,
    measures: Mapping[Windowed, WindowFunction],
    *,
    known: DailyValues,
    labels: tuple[str, ...] = (),
) -> None:
    """Add the items `key` (complete days) and `key`/today of measures that are read by span.

    While yesterday is unknown, the windows that end earlier stay: they are served until the next
    ones arrive.
    """
    today = Samples()
    complete = Samples()
    for measure, read in measures.items():
        for name in measure.windows:
            samples = today if name == TODAY else complete
            samples.add(measure.at(name), read(run.span(name)), *labels)
    if any(TODAY in measure.windows for measure in measures):
        result.items[f"{key}/today"] = NewItem(samples=today, interval=run.interval, of_day=True)
    current = run.items.get(key)
    if known.get(run.yesterday) is None and current is not None and current.day != run.day:
        result.confirmed.add(key)
        return
    result.items[key] = NewItem(
        samples=complete, interval=max(run.interval, run.org.history_interval)
    )


def average_of(sums: DailyValues, counts: DailyValues) -> WindowFunction:
    """Return a reader of averages, weighted by `counts`."""
    return lambda span: average(sums, counts, span)
