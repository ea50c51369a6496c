"""The courses of a simulated org: ids and names as awkward as real ones get."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from exporter.demo.data.chance import Chance

_AWKWARD: tuple[tuple[str, str], ...] = (
    ("course-v1:{org}+Bio101+2026", "Biology 101"),
    ("{org}/Course/Run", 'History of the "Long" Century'),
    ("course-v1:{org}+Chem-201+2026.1", "Chemistry\\Lab"),
    ("course-v1:{org}+Física+2026_ñ", "Física: introducción"),
    ("course-v1:{org}+ART-1.0+2026-T1", "Art & Design 🎨"),
    ("course-v1:{org}+Hebrew+2026", "מבוא לעברית"),
    ("course-v1:{org}+Logic+2026", ""),
    ("course-v1:{org}+Poetry+2026", "Poetry\nline by line"),
    ("course-v1:{org}+数学+2026", "数学入門"),
    ("course-v1:{org}+Stat_110+2026_T2", "Statistics {mean} <b>100%</b>"),
)
_SUBJECTS = (
    ("Astronomy", "ASTR"),
    ("Computer Science", "CS"),
    ("Economics", "ECON"),
    ("Geology", "GEOL"),
    ("Linguistics", "LING"),
    ("Mathematics", "MATH"),
    ("Nursing", "NURS"),
    ("Philosophy", "PHIL"),
)
_SMALLEST = 6
_SEATS_A_LEARNER = 2.6
_LARGEST_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Course:
    """One course: its learners, how active they are, and how many videos it has.

    Its learners are `size` neighbors among the org's, from `offset` on. Courses overlap, so
    the unique users of an org are fewer than the sum over its courses.
    """

    index: int
    course_id: str
    name: str
    size: int
    offset: int
    density: float
    videos: int
    salt: int

    @property
    def seconds(self) -> int:
        """Return the seconds that an active learner spends in it on a day."""
        return 900 + self.salt % 1200


def make_courses(org: str, *, number: int, learners: int, chance: Chance) -> tuple[Course, ...]:
    """Return the courses of `org`, of different sizes, the first few awkwardly named."""
    names = _names(org)
    weights = [0.25 + chance.unit(org, "weight", index) ** 2 for index in range(number)]
    seats = learners * min(_SEATS_A_LEARNER, _LARGEST_SHARE * number)
    most = max(int(learners * _LARGEST_SHARE), 1)
    courses = []
    for index, weight in enumerate(weights):
        course_id, name = next(names)
        size = min(max(int(seats * weight / sum(weights)), _SMALLEST), most)
        salt = chance.integer(org, course_id)
        courses.append(
            Course(
                index=index,
                course_id=course_id,
                name=name,
                size=size,
                offset=salt % (learners - size + 1),
                density=0.06 + 0.10 * chance.unit(org, course_id, "density"),
                videos=4 + salt % 31,
                salt=salt,
            )
        )
    return tuple(courses)


def _names(org: str) -> Iterator[tuple[str, str]]:
    code = org.title().replace("-", "")
    for course_id, name in _AWKWARD:
        yield course_id.replace("{org}", code), name
    for index in count():
        title, letters = _SUBJECTS[index % len(_SUBJECTS)]
        number = 101 + 7 * (index // len(_SUBJECTS))
        yield f"course-v1:{code}+{letters}{number}+2026", f"{title} {number}"
