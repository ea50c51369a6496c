"""What agents cost, in US dollars, from the newer endpoints or, where they lack, the older."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from exporter import catalog
from exporter.api import endpoints
from exporter.api.errors import Refused
from exporter.api.pages import MAX_PAGES
from exporter.api.payloads import Reason, read_costs, read_figures, read_parts
from exporter.catalog import Windowed
from exporter.collectors import days, tables
from exporter.collectors.visit import Findings, Visit
from exporter.windows import BASELINES, TODAY, WINDOWS, Span, single, usual, window

_BY_DAY = {"metric": "total_costs", "granularity": "day", "show_overtime": "true"}
_COST = "total_cost"
_AGENT_NAMES = ("mentor_name", "mentor_unique_id")
_LIMIT = 100

Parts = Mapping[str, float | None]
T = TypeVar("T")


async def costs_today(visit: Visit) -> Findings:
    """Cost of today."""
    return await _either(
        partial(days.today, visit, catalog.COST, read_costs, query=_BY_DAY),
        partial(_older_cost_today, visit),
    )


async def costs(visit: Visit) -> Findings:
    """Cost of complete days."""
    return await _either(
        partial(days.complete, visit, catalog.COST, read_costs, query=_BY_DAY),
        partial(_older_costs, visit),
    )


async def model_costs(visit: Visit) -> Findings:
    """Cost of each language model."""

    async def ask(span: Span) -> Parts:
        return await _either(
            partial(_details, visit, "llm_model", span), partial(_older_models, visit, span)
        )

    return await _parts(visit, catalog.MODEL_COST, ask)


async def provider_costs(visit: Visit) -> Findings:
    """Cost of each provider of language models, which the newer endpoints alone tell."""
    return await _parts(visit, catalog.PROVIDER_COST, partial(_details, visit, "provider"))


async def agent_costs(visit: Visit) -> Findings:
    """Cost of each agent."""

    async def ask(span: Span) -> Parts:
        return await _either(
            partial(_details, visit, "mentor", span), partial(_older_agents, visit, span)
        )

    return await _parts(visit, catalog.AGENT_COST, ask)


async def _either(newer: Callable[[], Awaitable[T]], older: Callable[[], Awaitable[T]]) -> T:
    """Ask the older endpoint where the newer one is refused; both refused, tell of the newer."""
    try:
        return await newer()
    except Refused as refused:
        try:
            return await older()
        except Refused:
            raise refused from None


async def _parts(
    visit: Visit, figure: Windowed, ask: Callable[[Span], Awaitable[Parts]]
) -> Findings:
    findings = Findings()
    for name in figure.windows:
        parts = await ask(window(WINDOWS[name], visit.day))
        tables.put_top(findings.samples, figure.at(name), parts)
    return findings


async def _details(visit: Visit, group: str, span: Span) -> Parts:
    read = partial(read_parts, names=(group,), value=_COST, lists=("rows",))
    parts: dict[str, float | None] = {}
    pages = visit.pages(endpoints.COST_DETAILS, read, span=span, query={"group_by": group})
    async for page in pages:
        parts.update(page.values)
    return parts


async def _older_cost_today(visit: Visit) -> Findings:
    findings = Findings()
    findings.samples.add(catalog.COST.at(TODAY), await _older_cost(visit, single(visit.day)))
    return findings


async def _older_costs(visit: Visit) -> Findings:
    """Ask for each window, since the older endpoint tells no days; weeks long gone once a day."""
    findings = Findings()
    for name in WINDOWS:
        cost = await _older_cost(visit, window(WINDOWS[name], visit.day))
        findings.samples.add(catalog.COST.at(name), cost)
    for name, length in BASELINES.items():
        past = [await _older_cost_then(visit, span) for span in visit.baseline_spans(length)]
        findings.samples.add(catalog.COST.baseline(name), usual(past))
    return findings


async def _older_cost(visit: Visit, span: Span) -> float | None:
    answer = await visit.ask(
        endpoints.OLDER_COSTS, lambda body: read_figures(body, _COST), span=span
    )
    return answer[_COST]


async def _older_cost_then(visit: Visit, span: Span) -> float | None:
    return await visit.once_a_day((endpoints.OLDER_COSTS, span), partial(_older_cost, visit, span))


async def _older_models(visit: Visit, span: Span) -> Parts:
    read = partial(read_parts, names=("model",), value=_COST)
    return (await visit.ask(endpoints.OLDER_MODEL_COSTS, read, span=span)).values


async def _older_agents(visit: Visit, span: Span) -> Parts:
    """Ask for all agents, whether the deployment tells them at once or a few at a time."""
    read = partial(read_parts, names=_AGENT_NAMES, value=_COST, lists=("mentor_data", "results"))
    parts: dict[str, float | None] = {}
    for _ in range(MAX_PAGES):
        paging = {"limit": str(_LIMIT), "offset": str(len(parts))}
        page = await visit.ask(endpoints.OLDER_AGENT_COSTS, read, span=span, query=paging)
        new = page.keys - parts.keys()
        parts.update(page.values)
        if not new or len(parts) >= (page.pagination.total_items or 0):
            return parts
    visit.flawed(endpoints.OLDER_AGENT_COSTS, Reason.PAGES, 1)
    return parts
