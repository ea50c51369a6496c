"""Cost of agents, in US dollars, and the spend cap.

The platform has two cost stores, and its own Spend screen moved from the one behind
`/api/analytics/financial/` to the one behind `tenant-cost/`. A stale store can return zeros, so the
store that has data wins; if both have, the one of the screen.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from exporter import catalog
from exporter.api import endpoints
from exporter.api.payloads import (
    Part,
    parse_costs,
    parse_parts,
    parse_spend_cap,
    parse_total_cost,
    sum_by_name,
)
from exporter.catalog import Windowed
from exporter.collectors import daily, tables, windowed
from exporter.collectors.run import ITEM_ERRORS, ItemError, NewItem, Result, Run
from exporter.history.series import DailyValues
from exporter.samples import Samples
from exporter.windows import TODAY, WINDOWS, Span

_BY_DAY = {"metric": "total_costs", "granularity": "day", "show_overtime": "true"}
_COST = "total_cost"

Amounts = Mapping[str, float | None]
"""Cost in US dollars by name."""


async def costs(run: Run) -> Result:
    """Cost of today and of complete days."""
    result = Result()
    tenant: dict[str, float | None] = {}
    due = [TODAY, *(name for name in WINDOWS if run.is_older(name, run.org.history_interval))]

    async def collect(name: str) -> None:
        response = await run.request(endpoints.TENANT_COST, parse_total_cost, span=run.span(name))
        tenant[name] = response.value

    await run.each(result, due, collect)
    failed, result.failed = result.failed, {}
    by_day: DailyValues | None = None
    try:
        by_day = await _financial(run, zeros=_is_without_data(tenant))
    except ITEM_ERRORS as error:
        if not tenant:
            result.failed = failed or {catalog.COST.name: error}
            return result
    days = {name: by_day.total(run.span(name)) if by_day else None for name in due}
    for name in tenant.keys() | failed.keys():
        value = _with_data(tenant.get(name), days[name])
        if value is None and name in failed:
            result.failed[name] = failed[name]
            continue
        samples = Samples()
        samples.add(catalog.COST.at(name), value)
        result.items[name] = NewItem(
            samples=samples,
            interval=run.org.interval if name == TODAY else run.org.history_interval,
            of_day=name == TODAY,
        )
        if name in {TODAY, "1d"}:
            run.history.update(run.org.key, catalog.COST.name, days={run.span(name).last: value})
    return result


def _is_without_data(tenant: Mapping[str, float | None]) -> bool:
    """Return whether the newer store is known to have nothing, or cannot be reached."""
    return not tenant or ("28d" in tenant and not any(tenant.values()))


async def _financial(run: Run, *, zeros: bool) -> DailyValues:
    """Add the days of the older store to the history, and return them.

    If it has nothing they are only added with `zeros`: the store may be stale.
    """
    span = run.unsettled(catalog.COST.name, days=daily.EXPECTED_DAYS)
    values = await daily.request(run, endpoints.COSTS, parse_costs, span=span, query=_BY_DAY)
    if zeros or any(values.values()):
        run.history.update(run.org.key, catalog.COST.name, days=values)
    return run.history.series(run.org.key, catalog.COST.name)


def _with_data(first: float | None, second: float | None) -> float | None:
    """Return the first value that is neither unknown nor 0; 0 if a store returned 0."""
    return first or second or (second if first is None else first)


async def model_costs(run: Run) -> Result:
    """Cost of each language model."""
    return await _parts(run, catalog.MODEL_COST, _models, partial(_details, group="llm_model"))


async def provider_costs(run: Run) -> Result:
    """Cost of each provider of language models."""
    return await _parts(run, catalog.PROVIDER_COST, partial(_details, group="provider"))


async def agent_costs(run: Run) -> Result:
    """Cost of each agent. Agents with equal names are added up."""
    return await _parts(run, catalog.AGENT_COST, _agents, partial(_details, group="mentor"))


Source = Callable[[Run, Span], Awaitable[Amounts]]


async def _parts(run: Run, measure: Windowed, *sources: Source) -> Result:
    """Add the windows of a measure by part, from the first source that has data."""

    async def request(name: str, span: Span) -> Samples:
        samples = Samples()
        amounts = await _first_with_data(run, span, sources)
        tables.add_top(samples, measure.at(name), amounts)
        return samples

    return await windowed.collect(run, measure.windows, request)


async def _first_with_data(run: Run, span: Span, sources: tuple[Source, ...]) -> Amounts:
    found: Amounts | None = None
    failure: ItemError | None = None
    for source in sources:
        try:
            amounts = await source(run, span)
        except ITEM_ERRORS as error:
            failure = failure or error
            continue
        if any(amounts.values()):
            return amounts
        found = amounts if found is None else found
    if found is None and failure is not None:
        raise failure
    return found or {}


async def _details(run: Run, span: Span, *, group: str) -> Amounts:
    read = partial(parse_parts, names=(group,), value=_COST, lists=("rows",))
    parts: dict[str, Part] = {}
    pages = run.pages(endpoints.COST_DETAILS, read, span=span, query={"group_by": group})
    async for page in pages:
        parts.update(page.parts)
    return sum_by_name(parts.values())


async def _models(run: Run, span: Span) -> Amounts:
    read = partial(parse_parts, names=("model",), value=_COST)
    return sum_by_name((await run.request(endpoints.MODEL_COSTS, read, span=span)).parts.values())


async def _agents(run: Run, span: Span) -> Amounts:
    return sum_by_name(await tables.agents(run, span))


async def spend_cap(run: Run) -> Result:
    """Spend cap of the org: limit, spent, remaining, and whether it is exceeded."""
    cap = await run.request(endpoints.SPEND_CAP, parse_spend_cap)
    samples = Samples()
    samples.add(catalog.SPEND_CAP_LIMIT, cap.limit)
    samples.add(catalog.SPEND_CAP_SPENT, cap.spent)
    samples.add(catalog.SPEND_CAP_REMAINING, cap.remaining)
    samples.add(catalog.SPEND_CAP_EXCEEDED, cap.exceeded)
    return run.result("cap", samples)
