"""Usage of language models: calls, tokens, cost and latency by model."""

from collections.abc import Mapping
from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import parse_llm_usage
from exporter.collectors import tables, windowed
from exporter.collectors.run import Result, Run
from exporter.samples import Samples
from exporter.windows import TODAY, Span

_SUMS = {
    "count": catalog.LLM_CALLS,
    "input_tokens": catalog.LLM_INPUT_TOKENS,
    "output_tokens": catalog.LLM_OUTPUT_TOKENS,
    "total_cost": catalog.LLM_COST,
}
_LATENCIES = {"p50": catalog.LLM_LATENCY_P50, "p95": catalog.LLM_LATENCY_P95}
_LATENCY = "latency"
_MILLISECONDS = 1000
_MODELS_PER_PAGE = "1000"


async def usage_today(run: Run) -> Result:
    """Calls, tokens, cost and latency by model today."""
    return await _collect(run, [TODAY])


async def usage(run: Run) -> Result:
    """Calls, tokens, cost and latency by model on complete days."""
    names = [name for name in catalog.LLM_CALLS.windows if name != TODAY]
    return await _collect(run, names)


async def _collect(run: Run, windows: list[str]) -> Result:
    async def request(name: str, span: Span) -> Samples:
        samples = Samples()
        sums = await _request(run, span, tuple(_SUMS), "sum")
        names = tables.top(sums["count"], by=sums["count"])
        for member, measure in _SUMS.items():
            tables.add_top(samples, measure.at(name), sums[member], names=names)
        for quantile, measure in _LATENCIES.items():
            found = await _request(run, span, (_LATENCY,), quantile)
            latencies = {
                model: value / _MILLISECONDS
                for model, value in found[_LATENCY].items()
                if value is not None
            }
            tables.add_top(samples, measure.at(name), latencies, names=names, others=False)
        return samples

    return await windowed.collect(run, windows, request)


async def _request(
    run: Run, span: Span, measures: tuple[str, ...], aggregation: str
) -> Mapping[str, Mapping[str, float | None]]:
    query = {
        "measures": ",".join(measures),
        "aggregation": aggregation,
        "group_by": "model",
        "limit": _MODELS_PER_PAGE,
    }
    read = partial(parse_llm_usage, measures=measures, aggregation=aggregation)
    return (await run.request(endpoints.LLM_USAGE, read, span=span, query=query)).columns
