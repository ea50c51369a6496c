"""Figures that the API gives by day: one range serves all windows and baselines."""

from collections.abc import Callable
from functools import partial

from exporter.api.payloads import Daily
from exporter.catalog import Windowed
from exporter.collectors.visit import Findings, Visit
from exporter.windows import TODAY, WINDOWS, history, single, total, window

Reader = Callable[[bytes], Daily]


async def today(
    visit: Visit, figure: Windowed, read: Reader, *, query: dict[str, str] | None = None
) -> Findings:
    """Bring today so far."""
    findings = Findings()
    span = single(visit.day)
    answer = await visit.ask(figure.endpoint, read, span=span, query=query)
    findings.samples.add(figure.at(TODAY), total(answer.over(span), span))
    return findings


async def complete(
    visit: Visit, figure: Windowed, read: Reader, *, query: dict[str, str] | None = None
) -> Findings:
    """Bring the windows of complete days, the baselines, and the days themselves for charts."""
    findings = Findings()
    longest = window(max(WINDOWS.values()), visit.day)
    span = history(visit.day) if figure.baselines else longest
    answer = await visit.ask(figure.endpoint, read, span=span, query=query)
    days = findings.daily[figure.name] = answer.over(span)
    visit.put_windows(findings.samples, figure, partial(total, days))
    return findings
