"""The simulated platform as an ASGI application: routes, keys and errors."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.demo.data.org_view import OrgView
from exporter.demo.endpoints import Generation, Handler, endpoints
from exporter.demo.fault_responses import FaultMiddleware, http_date
from exporter.demo.faults import FaultPlan
from exporter.demo.recorder import Recorder, RecorderMiddleware
from exporter.demo.request import ApiError, ApiRequest, Json, Query, RangeEnd, not_found
from exporter.demo.university import DemoOrg, University

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
    generation: Generation = "both",
    stale_costs: bool = False,
    late_data: bool = False,
    faults: FaultPlan | None = None,
    recorder: Recorder | None = None,
) -> Starlette:
    """Return the API of `university` as an ASGI application.

    `now` (aware) is its clock, also for the `Date` header: run it on a server that sets none.
    `page_base` is the number of the first page, `range_end` whether `end_date` is included.
    Endpoints of another `generation` are a 404. With `stale_costs`, `financial/` returns zeros.
    With `late_data`, events show two hours after they happened and the last tenth of a day four
    hours later. Requests pass `recorder` first, then `faults`.
    """
    platform = _Platform(university, now, page_base, range_end, stale_costs, late_data)
    middleware = []
    if recorder is not None:
        middleware.append(Middleware(RecorderMiddleware, recorder=recorder))
    if faults is not None:
        middleware.append(Middleware(FaultMiddleware, plan=faults, now=now))
    app = Starlette(
        routes=[
            Route(path.replace("{course_id}", "{course_id:path}"), platform.endpoint(handler))
            for path, handler in endpoints(generation).items()
        ],
        middleware=middleware,
        exception_handlers={HTTPException: platform.no_route},
    )
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True)
class _Platform:
    """Authenticates and parses requests, and sends what handlers return."""

    university: University
    now: Callable[[], datetime]
    page_base: int
    range_end: RangeEnd
    stale_costs: bool
    late_data: bool

    def endpoint(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Return the ASGI endpoint that sends the payload of `handler`."""

        async def endpoint(request: Request) -> Response:
            try:
                return self._response(handler(self._parse(request)))
            except ApiError as error:
                return self._response(error.body, status=error.status)

        return endpoint

    async def no_route(self, _: Request, error: Exception) -> Response:
        """Respond to a path or method that does not exist."""
        assert isinstance(error, HTTPException)
        return self._response({"detail": f"{error.detail}."}, status=error.status_code)

    def _parse(self, request: Request) -> ApiRequest:
        org = self._authenticate(request)
        query = Query(request.query_params)
        agent = query.text("mentor_id") or query.text("mentor_unique_id")
        if agent is not None and agent not in org.mentors:
            raise not_found("Mentor")
        # Only learning analytics, which name no user, know of the main platform.
        scoped = "org" in request.path_params and "user_id" not in request.path_params
        view = OrgView.at(
            self.university.data(org.key),
            self.now(),
            drops=self.university.drops,
            main=scoped and query.flag("include_main_platform", default=True),
            department=query.integer("department_id"),
            agent=agent,
            late=self.late_data,
        )
        return ApiRequest(
            org=org,
            view=view,
            query=query,
            names=request.path_params,
            url=str(request.url.replace(query="")),
            page_base=self.page_base,
            range_end=self.range_end,
            stale_costs=self.stale_costs,
        )

    def _authenticate(self, request: Request) -> DemoOrg:
        """Return the org that the key belongs to, if it is the org of the request."""
        scheme, _, key = request.headers.get("authorization", "").strip().rpartition(" ")
        if scheme == "Bearer":
            raise ApiError(401, _INVALID_BEARER)
        owner = self.university.owner(key)
        if owner is None or (scheme and scheme not in _SCHEMES):
            raise ApiError(401, _INVALID)
        wanted = request.path_params.get("org") or request.query_params.get("platform_key")
        if wanted and self.university.org(wanted) is None:
            raise not_found("Platform")
        if (wanted and wanted != owner.key) or (
            request.path_params.get("user_id", owner.user_id) != owner.user_id
        ):
            raise ApiError(401, _INVALID)
        return owner

    def _response(self, body: Json, *, status: int = 200) -> Response:
        return Response(
            json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
            status_code=status,
            media_type="application/json",
            headers={"Date": http_date(self.now())},
        )
