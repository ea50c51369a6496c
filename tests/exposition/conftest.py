"""A renderer with its inputs, and what it serves."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter import catalog
from exporter.exposition.orgs import OrgRenderer
from exporter.exposition.rendered import RenderedLines
from exporter.history.ranges import ExpectedRanges
from exporter.history.store import History
from exporter.samples import Samples
from exporter.settings import Org
from exporter.snapshots import Item, Snapshots

TODAY = date(2026, 5, 6)
YESTERDAY = TODAY - timedelta(days=1)
ORG = Org(key="acme", user_id="ops")


def samples(*rows):
    """Return compact samples of (metric, value, *labels)."""
    made = Samples()
    for metric, value, *labels in rows:
        made.add(metric, value, *labels)
    return made.compact()


def item(*rows, day=TODAY, of_day=False, courses=None, mentors=None):
    return Item(
        samples=samples(*rows),
        day=day,
        collected=0.0,
        interval=1e9,
        of_day=of_day,
        courses=courses or {},
        mentors=mentors or {},
    )


class Served:
    """Renders one org, and parses the lines that are served."""

    def __init__(self):
        self.snapshots = Snapshots()
        self.history = History()
        self.ranges = ExpectedRanges(self.history)
        self.lines = RenderedLines()
        self.renderer = OrgRenderer(self.snapshots, self.ranges, self.lines)
        self.org = ORG
        self.renderer.configure(ORG)

    def configure(self, **settings):
        """Change settings of data that is already collected."""
        self.org = replace(self.org, **settings)
        self.renderer.configure(self.org)

    def put(self, collector, **items):
        self.snapshots.update("acme", collector, items)

    def families(self):
        text = b"".join(b"".join(found) for _, found in self.lines.families(catalog.METRICS))
        return text_string_to_metric_families(text.decode())

    def samples(self):
        """Return name, labels and value of every series; fails if a series is there twice."""
        found = {}
        for family in self.families():
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                assert key not in found, f"{key} twice"
                found[key] = sample.value
        return found

    def values(self):
        """Return values by metric (without prefix) and the labels after `org`."""
        return {
            " ".join((name.removeprefix("iblai_"), *(v for k, v in labels if k != "org"))): value
            for (name, labels), value in self.samples().items()
        }


@pytest.fixture
def served():
    return Served()
