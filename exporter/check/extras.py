"""Which extras a deployment offers, whether they are on or not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from exporter import collectors
from exporter.check.attempts import Attempt, Attempts
from exporter.clock import Clock
from exporter.settings import Org, Settings
from exporter.settings.schema import EXTRAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """One extra of one org: whether it is on, and how many of its collectors succeeded, of all."""

    name: str
    on: bool
    succeeded: int
    collectors: int
    absent: int

    @property
    def offered(self) -> bool | None:
        """Whether the deployment offers it; None if that cannot be determined."""
        if self.succeeded:
            return True
        return False if self.absent == self.collectors else None


def off_extras(org: Org) -> tuple[str, ...]:
    """Return the extras of which no collector is on."""
    on = {collector.group for collector in collectors.of(org)}
    return tuple(name for name in EXTRAS if name not in on)


def trial_of(settings: Settings) -> Settings:
    """Return settings with which only the extras that are off are collected."""
    return replace(settings, orgs=tuple(_trial_org(o) for o in settings.orgs if off_extras(o)))


def _trial_org(org: Org) -> Org:
    off = off_extras(org)
    chosen = {c.name: c.group in off for c in collectors.COLLECTORS}
    return replace(org, extras=(), mentors=(), collectors=chosen)


async def try_extras(
    settings: Settings, clock: Clock, *, done: Callable[[], None]
) -> list[Attempt]:
    """Run each collector of the extras that are off once; `settings` are those of `trial_of`."""
    if not settings.orgs:
        return []
    attempts = Attempts(settings, clock)
    try:
        return await attempts.run(done)
    finally:
        await attempts.close()


def extras_of(org: Org, attempts: Iterable[Attempt]) -> list[Extra]:
    """Return each extra of an org, from the attempts of its collectors."""
    off = off_extras(org)
    by_group: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        by_group.setdefault(attempt.collector.group, []).append(attempt)
    return [
        Extra(
            name=name,
            on=name not in off,
            succeeded=sum(attempt.success for attempt in by_group[name]),
            collectors=len(by_group[name]),
            absent=sum(attempt.absent for attempt in by_group[name]),
        )
        for name in EXTRAS
        if name in by_group
    ]


def by_org(attempts: Iterable[Attempt]) -> Mapping[str, list[Attempt]]:
    """Return attempts by org."""
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.org, []).append(attempt)
    return found
