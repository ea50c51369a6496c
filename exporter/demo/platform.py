"""The simulated platform as a web application: routes, keys, errors."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo import (
    audience,
    chats,
    chatters,
    costs,
    learners,
    newer_chats,
    newer_content,
    newer_costs,
    performance,
    timespent,
    topics,
    videos,
)
from exporter.demo.asking import Answer, Ask, Json, Query, RangeEnd, Refusal, not_found
from exporter.demo.faults import FaultPlan
from exporter.demo.harm import FaultGate, http_date
from exporter.demo.recorder import Recorder, RecorderGate
from exporter.demo.university import DemoOrg, University
from exporter.demo.view import View

ANSWERS: Mapping[str, Answer] = {
    **audience.ANSWERS,
    **learners.ANSWERS,
    **videos.ANSWERS,
    **timespent.ANSWERS,
    **performance.ANSWERS,
    **chats.ANSWERS,
    **chatters.ANSWERS,
    **topics.ANSWERS,
    **costs.ANSWERS,
    **newer_chats.ANSWERS,
    **newer_costs.ANSWERS,
    **newer_content.ANSWERS,
}
"""Every endpoint, by its path as the reference prints it."""

_SCHEMES = ("Api-Token", "Api-Key")
_INVALID = {"detail": "Invalid token."}
_INVALID_BEARER = {
    "error": "invalid_token",
    "error_description": "The access token is invalid.",
}


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build_platform(
    university: University,
    *,
    now: Callable[[], datetime] = _utc_now,
    page_base: int = 1,
    range_end: RangeEnd = "inclusive",
    faults: FaultPlan | None = None,
    recorder: Recorder | None = None,
) -> Starlette:
    """Return the API of `university` as an ASGI application.

    `now` (aware) is its clock, also for the `Date` header: run it on a server that sets none.
    `page_base` is the number of the first page, `range_end` whether `end_date` counts in.
    Requests pass `recorder` first, then `faults`. An unknown `mentor_id` is answered with 404.
    """
    desk = _Desk(university, now=now, page_base=page_base, range_end=range_end)
    gates = []
    if recorder is not None:
        gates.append(Middleware(RecorderGate, recorder=recorder))
    if faults is not None:
        gates.append(Middleware(FaultGate, plan=faults, now=now))
    app = Starlette(
        routes=[
            Route(path.replace("{course_id}", "{course_id:path}"), desk.serve(answer))
            for path, answer in ANSWERS.items()
        ],
        middleware=gates,
        exception_handlers={HTTPException: desk.refuse},
    )
    app.router.redirect_slashes = False
    return app


class _Desk:
    """Receives requests: checks the key, reads the query, has the answer made."""

    def __init__(
        self,
        university: University,
        *,
        now: Callable[[], datetime],
        page_base: int,
        range_end: RangeEnd,
    ) -> None:
        self._university = university
        self._now = now
        self._page_base = page_base
        self._range_end: RangeEnd = range_end

    def serve(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Return the endpoint that answers with what `answer` returns."""

        async def endpoint(request: Request) -> Response:
            try:
                return self._respond(answer(self._ask(request)))
            except Refusal as refusal:
                return self._respond(refusal.body, status=refusal.status)

        return endpoint

    async def refuse(self, _: Request, error: Exception) -> Response:
        """Answer a path or method that does not exist."""
        assert isinstance(error, HTTPException)
        return self._respond({"detail": f"{error.detail}."}, status=error.status_code)

    def _ask(self, request: Request) -> Ask:
        org = self._authenticate(request)
        query = Query(request.query_params)
        mentor = query.text("mentor_id") or query.text("mentor_unique_id")
        if mentor is not None and mentor not in org.mentors:
            raise not_found("Mentor")
        # Only learning analytics, which name no user, know of the main platform.
        scoped = "org" in request.path_params and "user_id" not in request.path_params
        view = View.at(
            self._university.campus(org.key),
            self._now().astimezone(ZoneInfo(org.timezone)),
            drops=self._university.drops,
            main=scoped and query.flag("include_main_platform", default=True),
            department=query.integer("department_id"),
            mentor=mentor,
        )
        return Ask(
            org=org,
            view=view,
            query=query,
            names=request.path_params,
            url=str(request.url.replace(query="")),
            page_base=self._page_base,
            range_end=self._range_end,
        )

    def _authenticate(self, request: Request) -> DemoOrg:
        """Return the org that the key belongs to, if it is the one that is asked about."""
        scheme, _, key = request.headers.get("authorization", "").strip().rpartition(" ")
        if scheme == "Bearer":
            raise Refusal(401, _INVALID_BEARER)
        owner = self._university.owner(key)
        if owner is None or (scheme and scheme not in _SCHEMES):
            raise Refusal(401, _INVALID)
        wanted = request.path_params.get("org") or request.query_params.get("platform_key")
        if wanted and self._university.org(wanted) is None:
            raise not_found("Platform")
        if (wanted and wanted != owner.key) or (
            request.path_params.get("user_id", owner.user_id) != owner.user_id
        ):
            raise Refusal(401, _INVALID)
        return owner

    def _respond(self, body: Json, *, status: int = 200) -> Response:
        return Response(
            json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
            status_code=status,
            media_type="application/json",
            headers={"Date": http_date(self._now())},
        )
