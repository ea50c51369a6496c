"""The simulated platform as an ASGI application: routes, keys and errors."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.api.endpoints import Endpoint
from exporter.demo.data.org_view import OrgView
from exporter.demo.endpoints import Generation, endpoints
from exporter.demo.fault_responses import FaultMiddleware, http_date
from exporter.demo.faults import FaultPlan
from exporter.demo.handlers.shapes import Handler
from exporter.demo.request import ApiError, ApiRequest, Behavior, Json, Query, not_found
from exporter.demo.university import DemoOrg, University

_SCHEMES = ("", "Api-Token", "Api-Key")
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
    generation: Generation = "both",
    faults: FaultPlan | None = None,
    **behavior: Any,
) -> Starlette:
    """Return the API of `university` as an ASGI application.

    `now` (aware) is its clock, also for the `Date` header: run it on a server that sets none.
    Endpoints of another `generation` are a 404. What else may be given is a field of `Behavior`.
    """
    platform = _Platform(university, now, Behavior(**behavior))
    app = Starlette(
        routes=[
            Route(
                endpoint.template.replace("{course_id}", "{course_id:path}"),
                platform.endpoint(endpoint, handler),
            )
            for endpoint, handler in endpoints(generation).items()
        ],
        middleware=[Middleware(FaultMiddleware, plan=faults or FaultPlan(), now=now)],
        exception_handlers={HTTPException: platform.no_route},
    )
    app.router.redirect_slashes = False
    return app


@dataclass(frozen=True, slots=True)
class _Platform:
    """Authenticates and parses requests, and sends what handlers return."""

    university: University
    now: Callable[[], datetime]
    behavior: Behavior

    def endpoint(
        self, endpoint: Endpoint, handler: Handler
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return the ASGI endpoint that sends the payload of `handler`."""

        async def respond(request: Request) -> Response:
            try:
                return self._response(handler(self._parse(endpoint, request)))
            except ApiError as error:
                return self._response(error.body, status=error.status)

        return respond

    async def no_route(self, _: Request, error: Exception) -> Response:
        """Respond to a path or method that does not exist."""
        assert isinstance(error, HTTPException)
        return self._response({"detail": f"{error.detail}."}, status=error.status_code)

    def _parse(self, endpoint: Endpoint, request: Request) -> ApiRequest:
        org = self._authenticate(request)
        query = Query(request.query_params)
        agent = query.text("mentor_id") or query.text("mentor_unique_id")
        if agent is not None and agent not in org.mentors:
            raise not_found("Mentor")
        view = OrgView.at(
            self.university.data(org.key),
            self.now(),
            drops=self.university.drops,
            main=endpoint.scoped and query.flag("include_main_platform", default=True),
            department=query.integer("department_id"),
            agent=agent,
            late=self.behavior.late_data,
        )
        return ApiRequest(org, view, query, request.path_params, self.behavior)

    def _authenticate(self, request: Request) -> DemoOrg:
        """Return the org that the key belongs to, if it is the org of the request."""
        scheme, _, key = request.headers.get("authorization", "").strip().rpartition(" ")
        if scheme == "Bearer":
            raise ApiError(401, _INVALID_BEARER)
        owner = self.university.owner(key)
        if owner is None or scheme not in _SCHEMES:
            raise ApiError(401, _INVALID)
        names = request.path_params
        wanted = names.get("org") or request.query_params.get("platform_key") or owner.key
        if self.university.org(wanted) is None:
            raise not_found("Platform")
        if (wanted, names.get("user_id", owner.user_id)) != (owner.key, owner.user_id):
            raise ApiError(401, _INVALID)
        return owner

    def _response(self, body: Json, *, status: int = 200) -> Response:
        return Response(
            json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(),
            status_code=status,
            media_type="application/json",
            headers={"Date": http_date(self.now())},
        )
