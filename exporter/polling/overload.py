"""How far intervals stretch because demand exceeds the limits of the API.

Guarantee: if demand is k times what a host can take, the staleness limits of its orgs stretch with
their intervals, `iblai_exporter_schedule_stretch_ratio` is k, and a warning is logged once.
"""

import structlog

from exporter.polling.context import Context
from exporter.polling.schedule import Schedule
from exporter.polling.state import OrgState

log = structlog.get_logger(__name__)


class Overload:
    """Compares demand with the limits."""

    def __init__(self, context: Context, schedule: Schedule) -> None:
        self._context = context
        self._schedule = schedule
        self._stretched = False

    def check(self) -> None:
        """Set how far the intervals of each org stretch."""
        demands: dict[str, dict[str, float]] = {}
        states = {state.key: state for state in self._schedule.orgs}
        for key, state in states.items():
            demands.setdefault(state.org.base_url, {})[key] = self._demand(state)
        ratio = 1.0
        for stretch in self._context.hosts.share(demands):
            ratio = max(ratio, stretch.k)
            for key, factor in stretch.orgs.items():
                states[key].stretch = factor
        self._context.telemetry.process.stretched(ratio)
        self._log(ratio)

    def _demand(self, state: OrgState) -> float:
        """Return the requests per second that an org takes on average."""
        courses = len(state.courses(self._context.snapshots))
        mentors = len(state.mentors(self._context.snapshots))
        per_hour = sum(
            entry.collector.requests_per_hour(state.org, courses=courses, mentors=mentors)
            for entry in state.collectors.values()
            if not entry.absent
        )
        return per_hour / 3600

    def _log(self, ratio: float) -> None:
        """Log once that demand begins or ends to exceed the limits."""
        if (ratio > 1) == self._stretched:
            return
        self._stretched = ratio > 1
        if self._stretched:
            log.warning(
                "demand exceeds the API limits, intervals are stretched",
                ratio=round(ratio, 2),
                remedy="raise api.rate_limit, lengthen interval, or use shards",
            )
        else:
            log.info("demand is within the API limits again")
