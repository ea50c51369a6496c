"""The simulated university: its orgs, their keys, and the drops that an operator asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from exporter.demo.campus import Campus, Mentor
from exporter.demo.courses import make_courses
from exporter.demo.noise import Noise

LEARNER_USERNAME_PREFIX = "zz-learner-"
LEARNER_NAME_PREFIX = "Zaphod Quillfeather "

_CAMPUSES = 1024
"""Orgs whose courses are kept in memory; the others are made again when asked for."""

_FIRST = (
    ("acme", "America/New_York", 1.0),
    ("globex", "UTC", 0.45),
    ("initech", "Europe/Berlin", 1.6),
)
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
_MENTORS = ("Study Coach", "Writing Tutor", "Librarian")


@dataclass(frozen=True, slots=True)
class Drop:
    """A fall in engagement of `org` by `fraction`, today and on the last `days` complete days."""

    org: str
    days: int
    fraction: float

    def __post_init__(self) -> None:
        if not self.org:
            raise ValueError("a drop names an org")
        if self.days < 0:
            raise ValueError(f"a drop lasts 0 days or more, not {self.days}")
        if not 0 <= self.fraction <= 1:
            raise ValueError(f"a drop is by a fraction from 0 to 1, not {self.fraction:g}")

    @classmethod
    def parse(cls, text: str) -> "Drop":
        """Read `ORG:DAYS:FRACTION`, such as `acme:3:0.6`; raise ValueError otherwise."""
        try:
            org, days, fraction = text.rsplit(":", 2)
            return cls(org.strip(), int(days), float(fraction))
        except ValueError as error:
            raise ValueError(
                f"{text!r} is not ORG:DAYS:FRACTION (such as acme:3:0.6, which takes 60 percent"
                f" off acme for three days and today): {error}"
            ) from None


@dataclass(frozen=True, slots=True)
class DemoOrg:
    """One org as an operator would be given it. The key stays out of its text."""

    key: str
    user_id: str
    api_key: str
    timezone: str
    mentors: tuple[str, ...]

    def __repr__(self) -> str:
        return f"DemoOrg(key={self.key!r}, user_id={self.user_id!r}, timezone={self.timezone!r})"


class University:
    """Every org there is, and what happens in it on any day; the same for the same seed."""

    def __init__(
        self,
        seed: int = 7,
        orgs: int = 3,
        courses: int = 12,
        drops: Iterable[Drop] = (),
        *,
        learners: int = 900,
    ) -> None:
        """Found it with `orgs` orgs of `courses` courses and about `learners` learners each."""
        if orgs < 1 or courses < 1 or learners < 10:
            raise ValueError("a university has an org, a course and 10 learners at least")
        self.seed = seed
        self.drops = tuple(drops)
        self._number_of_courses = courses
        self._learners = learners
        self._noise = Noise(seed, crowd=2 * learners)
        self.orgs = tuple(self._found(index) for index in range(orgs))
        self._by_key = {org.key: index for index, org in enumerate(self.orgs)}
        self._by_api_key = {org.api_key: org for org in self.orgs}
        unknown = {drop.org for drop in self.drops} - self._by_key.keys()
        if unknown:
            raise ValueError(f"there is no org {', '.join(sorted(unknown))} to drop")
        self._campus = lru_cache(maxsize=_CAMPUSES)(self._build)

    def org(self, key: str) -> DemoOrg | None:
        """Return the org with `key`, or None."""
        index = self._by_key.get(key)
        return None if index is None else self.orgs[index]

    def owner(self, api_key: str) -> DemoOrg | None:
        """Return the org whose key `api_key` is, or None."""
        return self._by_api_key.get(api_key)

    def campus(self, key: str) -> Campus:
        """Return what is known of the org with `key`; raise KeyError for an unknown one."""
        return self._campus(self._by_key[key])

    def _found(self, index: int) -> DemoOrg:
        if index < len(_FIRST):
            key, zone, _ = _FIRST[index]
        else:
            key, zone = f"org-{index + 1:04}", _ZONES[index % len(_ZONES)]
        number = 2 + self._noise.integer(key, "mentors") % 2
        return DemoOrg(
            key=key,
            user_id=f"{key}-admin",
            api_key=sha256(f"{self.seed} {key}".encode()).hexdigest(),
            timezone=zone,
            mentors=tuple(self._mentor_id(key, place) for place in range(number)),
        )

    def _mentor_id(self, key: str, place: int) -> str:
        high, low = (self._noise.integer(key, "mentor", place, half) for half in "ab")
        return str(UUID(int=(high << 64) | low, version=4))

    def _build(self, index: int) -> Campus:
        org = self.orgs[index]
        if index < len(_FIRST):
            size = _FIRST[index][2]
        else:
            size = 0.12 * 16 ** self._noise.unit(org.key, "size")
        learners = max(int(self._learners * size), 10)
        return Campus(
            key=org.key,
            learners=learners,
            courses=make_courses(
                org.key, number=self._number_of_courses, learners=learners, noise=self._noise
            ),
            mentors=tuple(
                self._mentor(org.key, place, learners) for place in range(len(org.mentors))
            ),
            noise=self._noise,
            salt=self._noise.integer(org.key),
        )

    def _mentor(self, key: str, place: int, learners: int) -> Mentor:
        salt = self._noise.integer(key, "talks", place)
        size = max(learners * (6 - place) // 10, 1)
        return Mentor(
            mentor_id=self._mentor_id(key, place),
            name=_MENTORS[place],
            size=size,
            offset=salt % (learners - size + 1),
            density=0.14 + 0.08 * self._noise.unit(key, "chatty", place),
            messages=5.0 + 4.0 * self._noise.unit(key, "messages", place),
            cost=150 + salt % 350,
            salt=salt,
        )
