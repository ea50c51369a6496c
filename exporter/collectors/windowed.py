"""Measures whose windows are requested one by one, since they cannot be added up over days."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from exporter.api.endpoints import Endpoint
from exporter.api.payloads import Values
from exporter.catalog import Windowed
from exporter.collectors.run import NewItem, Result, Run
from exporter.samples import Samples
from exporter.windows import TODAY, Span


async def collect(
    run: Run, windows: Collection[str], request: Callable[[str, Span], Awaitable[Samples]]
) -> Result:
    """Collect an item for each window; `request` returns the samples of one."""
    result = Result()

    async def collect_window(name: str) -> None:
        samples = await request(name, run.span(name))
        result.items[name] = NewItem(samples=samples, interval=run.interval, of_day=name == TODAY)

    await run.each(result, windows, collect_window)
    return result


async def collect_values(
    run: Run,
    endpoint: Endpoint,
    read: Callable[..., Values],
    measures: Mapping[str, Windowed],
    query: Mapping[str, str] | None = None,
) -> Result:
    """Collect measures by the path of their value; `read` takes a body and the paths."""

    async def request(name: str, span: Span) -> Samples:
        response = await run.request(
            endpoint, lambda body: read(body, *measures), span=span, query=query
        )
        samples = Samples()
        for path, measure in measures.items():
            samples.add(measure.at(name), response[path])
        return samples

    return await collect(run, next(iter(measures.values())).windows, request)
