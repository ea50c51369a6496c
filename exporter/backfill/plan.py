"""What a backfill will take: requests, series, samples and bytes, before it begins."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from datetime import timedelta

from exporter import catalog, exposition
from exporter.api.client import Call
from exporter.backfill import past
from exporter.backfill.desk import Question
from exporter.backfill.forms import FORMS
from exporter.backfill.kept import Scene
from exporter.settings import Org
from exporter.windows import Span

_USERS = 100
_DAY = 86400


@dataclass(frozen=True, slots=True)
class Share:
    """What one org takes, or several. `asked` of the requests are answered; `size` in bytes."""

    requests: int = 0
    asked: int = 0
    courses: int = 0
    series: int = 0
    samples: int = 0
    size: int = 0

    def __add__(self, other: "Share") -> "Share":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Share(*(one + more for one, more in pairs))

    @property
    def to_ask(self) -> int:
        """Return the requests that are still to be sent."""
        return self.requests - self.asked


@dataclass(slots=True)
class Rehearsal:
    """Answers each question with all that there may be in an answer, and takes note of it."""

    courses: Mapping[str, str]
    users: int = _USERS
    questions: list[Question] = field(default_factory=list)

    async def get(self, account: Org, call: Call) -> bytes:
        """Return an answer that was made up."""
        question = Question.of(account, call)
        self.questions.append(question)
        scene = Scene(list(self.courses), self.users)
        return FORMS[call.endpoint].example(question.span, scene)


async def share(
    org: Org,
    span: Span,
    courses: Mapping[str, str],
    *,
    constants: exposition.Constants,
    step: int,
    needs: Callable[[Question], Iterable[Question]],
    asked: Callable[[str], bool],
) -> Share:
    """Return what `org` takes for the days of `span`, judged by the visit of one of them.

    `needs` tells what is asked of the API for a question, `asked` whether it has answered.
    """
    rehearsal = Rehearsal(courses, max(_USERS, org.min_group_size))
    figures = await past.visit(org, span.first, rehearsal, {})
    figures.courses |= {course: courses[course] for course in figures.courses}
    keys = {
        need.key
        for question in rehearsal.questions
        for wanted in _throughout(question, len(span))
        for need in needs(wanted)
    }
    metrics = {metric.name: metric for metric in catalog.METRICS}
    rows = figures.rows()
    series = sum(map(len, rows.values()))
    pen = exposition.Pen(constants)
    line = sum(len(pen.lines(metrics[n], dict(r))) for n, r in rows.items())
    points = len(span) * _DAY // step
    return Share(
        requests=len(keys),
        asked=sum(map(asked, keys)),
        courses=len(figures.courses),
        series=series,
        samples=series * points,
        size=(line + series * len(" 1700000000")) * points,
    )


def _throughout(question: Question, days: int) -> Iterable[Question]:
    """Yield what becomes of the question of one day when each of so many days is visited."""
    span = question.span
    if FORMS[question.call.endpoint].cut is not None:
        last = span.last + timedelta(days=days - 1)
        yield question.about(Span(span.first, last))
    else:
        for later in map(timedelta, range(days)):
            yield question.about(Span(span.first + later, span.last + later))
