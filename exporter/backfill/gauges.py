"""The gauges of past days: a pure function of what was collected, and of the settings."""

import asyncio
from collections.abc import Mapping  # noqa: TC003 - one import style for the module
from datetime import date

from exporter import catalog
from exporter.backfill.collecting import (
    Offline,
    Runs,
    daily,
    per_day,
    wanted_courses,
    wanted_mentors,
)
from exporter.backfill.record import DayResult, Gauges, OrgRecord
from exporter.exposition.orgs import add_expected
from exporter.exposition.visible import (
    Values,
    configured,
    limit,
    part_of,
    sizes_of,
    withhold,
)
from exporter.history.ranges import ExpectedRanges
from exporter.history.series import DailyValues
from exporter.samples import Compact, Labels
from exporter.settings import Org
from exporter.windows import Span


class OrgGauges:
    """The gauges of one org, as the exporter would have served them on each of `days`."""

    def __init__(self, org: Org, record: OrgRecord, days: Span) -> None:
        self._org = org
        self._record = record
        self._days = days
        self._runs = Runs(org=org, days=days, history=record.history, api=Offline())
        self._ranges = ExpectedRanges(record.history)
        self._courses = wanted_courses(org, record)
        self._mentors = wanted_mentors(org, record)
        self._parts: Mapping[Labels, None] = {}
        """Parts that are served since `series_limit` applies."""

    async def by_day(self) -> Gauges:
        """Return the gauges of all days."""
        found: dict[tuple[str, Labels], DailyValues] = {}
        for day in self._days:
            for name, (_, rows) in (await self._of_day(day)).items():
                for labels, value in rows.items():
                    found.setdefault((name, labels), DailyValues()).update({day: value})
            await asyncio.sleep(0)  # requests of other orgs are in flight
        return found

    async def _of_day(self, day: date) -> Values:
        values = configured(self._org, await self._collected(day))
        if not values:
            return {}
        add_expected(values, self._org, self._ranges, days=dict.fromkeys([*values], day))
        self._add_names(values)
        served = values

        def lookup(name: str, labels: Labels) -> float | None:
            return served[name][1].get(labels) if name in served else None

        values, _ = withhold(values, below=self._org.min_group_size, lookup=lookup)
        return self._limited(values)

    async def _collected(self, day: date) -> Values:
        """Return all values that were served on `day`, if the settings had no effect."""
        values: Values = {}
        for collector in daily(self._org):
            courses = self._courses if collector.per_course else ()
            mentors = self._mentors if collector.per_mentor else ()
            result = await self._runs.run(collector, day, courses=courses, mentors=mentors)
            _merge(values, DayResult.of(result).samples)
        for collector in per_day(self._org):
            known = self._record.result(collector.name, day)
            _merge(values, known.samples if known else ())
        return values

    def _add_names(self, values: Values) -> None:
        for metric, names in (
            (catalog.COURSE_INFO, self._courses),
            (catalog.MENTOR_INFO, {id_: name for id_, name in self._mentors.items() if name}),
        ):
            if names:
                values[metric.name] = metric, dict.fromkeys(names.items(), 1.0)

    def _limited(self, values: Values) -> Values:
        limited = limit([sizes_of(values)], at_most=self._org.series_limit, before=self._parts)
        if limited.parts is None:
            self._parts = {}
            return values
        self._parts = parts = limited.parts
        return {
            name: (
                metric,
                {
                    labels: value
                    for labels, value in rows.items()
                    if len(metric.labels) == 1 or part_of(metric, labels) in parts
                },
            )
            for name, (metric, rows) in values.items()
        }


def _merge(values: Values, samples: Compact) -> None:
    for family in samples:
        rows = values.setdefault(family.metric.name, (family.metric, {}))[1]
        rows.update(family.items())
