"""The gauges of past days: what the exporter renders from what was collected."""

import asyncio

from exporter import catalog
from exporter.backfill.collecting import Past
from exporter.backfill.record import Gauges
from exporter.exposition.orgs import OrgRenderer
from exporter.exposition.rendered import RenderedLines
from exporter.history.ranges import ExpectedRanges
from exporter.history.series import DailyValues
from exporter.settings import Org
from exporter.snapshots import Item, Snapshots

METRICS = tuple(m for m in catalog.METRICS if m.area is not catalog.Area.EXPORTER)


async def gauges_of(org: Org, past: Past) -> Gauges:
    """Return the gauges of all days of an org, whose labels are those of the series."""
    snapshots, rendered = Snapshots(), RenderedLines()
    renderer = OrgRenderer(snapshots, ExpectedRanges(past.record.history), rendered)
    snapshots.listeners.clear()  # a day is rendered once it is complete
    found: dict[tuple[str, str], DailyValues] = {}
    for day in past.days:
        snapshots.drop(org.key)
        named = {id_: name for id_, name in past.mentors.items() if name}
        names = Item(
            samples=(), day=day, collected=0.0, interval=0.0, courses=past.courses, mentors=named
        )
        snapshots.update(org.key, "names", {"": names})
        for collector, items in (await past.items_of(day)).items():
            snapshots.update(org.key, collector, items)
        renderer.configure(org)
        for metric, texts in rendered.families_of(org.key, METRICS):
            for line in b"".join(texts).decode().split("\n")[:-1]:
                series, _, value = line.rpartition(" ")
                found.setdefault((metric.name, series), DailyValues()).update({day: float(value)})
        await asyncio.sleep(0)  # requests of other orgs are in flight
    return found
