"""The simulated university: its orgs and their keys."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from hashlib import sha256
from typing import ClassVar
from zoneinfo import ZoneInfo

from exporter.demo.data.agents import agent_ids, make_agents
from exporter.demo.data.chance import Chance
from exporter.demo.data.courses import make_courses
from exporter.demo.data.drop import Drop
from exporter.demo.data.org import OPENED, OrgData

__all__ = ["LEARNER_NAME_PREFIX", "LEARNER_USERNAME_PREFIX", "DemoOrg", "Drop", "University"]

LEARNER_USERNAME_PREFIX = "zz-learner-"
LEARNER_NAME_PREFIX = "Zaphod Quillfeather "

_IN_MEMORY = 1024
"""Orgs whose courses and active learners are kept in memory; making one takes milliseconds."""

_FIRST = (
    ("acme", "America/New_York", 2.0),
    ("globex", "UTC", 1.0),
    ("initech", "Europe/Berlin", 3.0),
)
_SMALLEST, _LARGEST = 0.015, 1.9
"""Sizes of the other orgs as a multiple of `learners`: many are small."""

_ZONES = (
    "Asia/Kolkata",
    "America/Los_Angeles",
    "Europe/London",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "America/Sao_Paulo",
    "Africa/Nairobi",
    "UTC",
    "Asia/Kathmandu",
    "Pacific/Auckland",
)


@dataclass(frozen=True, slots=True)
class DemoOrg:
    """One org as an operator would be given it. The key stays out of its text.

    Its people live in the time zone `home`.
    """

    key: str
    user_id: str
    api_key: str = field(repr=False)
    home: str
    mentors: tuple[str, ...]

    timezone: ClassVar[str] = "UTC"
    """The time zone in which the platform counts days."""


class University:
    """All orgs, and what happens in them on any day; the same for the same seed."""

    def __init__(
        self,
        seed: int = 7,
        orgs: int = 3,
        courses: int = 12,
        drops: Iterable[Drop] = (),
        *,
        learners: int = 900,
        opened: Mapping[str, date] | None = None,
    ) -> None:
        """Make `orgs` orgs of `courses` courses and about `learners` learners each.

        `opened` names orgs that are new, with their first day. Raises ValueError.
        """
        if orgs < 1 or courses < 1 or learners < 10:
            raise ValueError("a university has an org, a course and 10 learners at least")
        self.seed = seed
        self.drops = tuple(drops)
        self._number_of_courses = courses
        self._learners = learners
        self._opened = dict(opened or {})
        self._chance = Chance(seed, people=3 * learners)
        self.orgs = tuple(self._make_org(index) for index in range(orgs))
        self._by_key = {org.key: index for index, org in enumerate(self.orgs)}
        self._by_api_key = {org.api_key: org for org in self.orgs}
        unknown = ({drop.org for drop in self.drops} | self._opened.keys()) - self._by_key.keys()
        if unknown:
            raise ValueError(f"there is no org {', '.join(sorted(unknown))}")
        self._data = lru_cache(maxsize=_IN_MEMORY)(self._make_data)

    def org(self, key: str) -> DemoOrg | None:
        """Return the org with `key`, or None."""
        index = self._by_key.get(key)
        return None if index is None else self.orgs[index]

    def owner(self, api_key: str) -> DemoOrg | None:
        """Return the org whose key `api_key` is, or None."""
        return self._by_api_key.get(api_key)

    def data(self, key: str) -> OrgData:
        """Return what happens in the org with `key`; raise KeyError for an unknown one."""
        return self._data(self._by_key[key])

    def _make_org(self, index: int) -> DemoOrg:
        if index < len(_FIRST):
            key, home, _ = _FIRST[index]
        else:
            key, home = f"org-{index + 1:04}", _ZONES[index % len(_ZONES)]
        return DemoOrg(
            key=key,
            user_id=f"{key}-admin",
            api_key=sha256(f"{self.seed} {key}".encode()).hexdigest(),
            home=home,
            mentors=agent_ids(key, self._chance),
        )

    def _make_data(self, index: int) -> OrgData:
        org, chance = self.orgs[index], self._chance
        if index < len(_FIRST):
            size = _FIRST[index][2]
        else:
            size = _SMALLEST * (_LARGEST / _SMALLEST) ** chance.unit(org.key, "size")
        learners = max(int(self._learners * size), 10)
        return OrgData(
            key=org.key,
            zone=ZoneInfo(org.home),
            first_day=self._opened.get(org.key, OPENED).toordinal(),
            learners=learners,
            courses=make_courses(
                org.key, number=self._number_of_courses, learners=learners, chance=chance
            ),
            agents=make_agents(org.key, learners=learners, chance=chance),
            chance=chance,
            salt=chance.integer(org.key),
        )
