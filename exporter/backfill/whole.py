"""Answers that are good for their own range alone: unique users, means, shares, rankings.

Such an answer is kept as it came, but for all that is not known to be a figure, the id or name
of a course, or the title of a part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exporter.api.payloads import MAX_ID, Flaws, PayloadError
from exporter.api.payloads.values import json_of, number_of, title_of
from exporter.backfill.kept import Form, Kept, Scene, body_of
from exporter.windows import Span

_COURSE = ("course_id", "name")
_PAGING = ("totalItems", "currentPage", "totalPages", "total_records", "page", "total_pages")
_PARTS = 11
"""Parts in an example: more than are told by name."""


@dataclass(frozen=True, slots=True)
class _Sieve:
    """What passes, by the name of the member: numbers, texts, titles, and what they stand in."""

    numbers: frozenset[str]
    texts: frozenset[str]
    titles: frozenset[str]
    members: frozenset[str]

    def keep(self, body: bytes) -> Kept:
        flaws = Flaws()
        answer = json_of(body)
        if not isinstance(answer, dict | list):
            raise PayloadError("the answer is neither an object nor a list")
        return Kept(body_of(self._pass(answer, flaws)), dict(+flaws))

    def _pass(self, raw: Any, flaws: Flaws) -> Any:
        if isinstance(raw, list):
            return [self._pass(item, flaws) for item in raw]
        if not isinstance(raw, dict):
            return None
        return {name: self._member(name, raw[name], flaws) for name in raw if self._knows(name)}

    def _knows(self, name: str) -> bool:
        return any(name in known for known in (self.numbers, self.texts, self.titles, self.members))

    def _member(self, name: str, raw: Any, flaws: Flaws) -> Any:
        if name in self.numbers:
            return number_of(raw, flaws, signed=True)
        if name in self.texts:
            # One more than may be, so that what is too long still is.
            return raw[: MAX_ID + 1] if isinstance(raw, str) else None
        if name in self.titles:
            return None if raw is None else title_of(raw)
        return self._pass(raw, flaws)


def courses(*numbers: str) -> Form:
    """Return the form of `{data: [{course_id, name, <numbers>}], total, pagination}`."""

    def example(span: Span, scene: Scene) -> bytes:  # noqa: ARG001 # a form
        figures = dict.fromkeys(numbers, scene.users)
        rows = [{"course_id": course_id, "name": "", **figures} for course_id in scene.courses]
        paging = {"totalItems": len(rows), "currentPage": 1, "totalPages": 1}
        return body_of({"data": rows, "total": scene.users, "pagination": paging})

    return _form(
        example, numbers=("total", *numbers), texts=_COURSE, members=("data", "pagination")
    )


def figures(*paths: str) -> Form:
    """Return the form of single numbers, such as `data.average`."""

    def example(span: Span, scene: Scene) -> bytes:  # noqa: ARG001 # a form
        answer: dict[str, Any] = {}
        for path in paths:
            *above, last = path.split(".")
            place = answer
            for name in above:
                place = place.setdefault(name, {})
            place[last] = scene.users
        return body_of(answer)

    split = [path.split(".") for path in paths]
    return _form(
        example,
        numbers=[path[-1] for path in split],
        members=[name for path in split for name in path[:-1]],
    )


def parts(value: str, *titles: str, lists: tuple[str, ...] = ()) -> Form:
    """Return the form of a list of parts with a `value` each, or of a single part."""

    def example(span: Span, scene: Scene) -> bytes:  # noqa: ARG001 # a form
        rows = [{**dict.fromkeys(titles, f"part {n}"), value: scene.users} for n in range(_PARTS)]
        paging = {"total_records": _PARTS, "page": 1, "total_pages": 1}
        return body_of({lists[0]: rows, **paging} if lists else rows)

    return _form(example, numbers=(value,), titles=titles, members=lists)


def _form(
    example: Callable[[Span, Scene], bytes],
    *,
    numbers: Any,
    texts: Any = (),
    titles: Any = (),
    members: Any = (),
) -> Form:
    sieve = _Sieve(
        frozenset((*numbers, *_PAGING)), frozenset(texts), frozenset(titles), frozenset(members)
    )
    return Form(sieve.keep, example)
