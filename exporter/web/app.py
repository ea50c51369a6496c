"""The HTTP endpoints. None of them waits for the network: all serve what is known already."""

import re
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

from isal import isal_zlib
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from exporter.exposition import Format, negotiate
from exporter.settings import ConfigError
from exporter.web.route_prefix import RoutePrefixMiddleware
from exporter.web.status import StatusPages

_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
"""A name or an address, and maybe a port."""

_PROBE_SUCCESS = (
    b"# HELP probe_success Whether the org is up (iblai_up): "
    b"at least one collector succeeded at its last attempt.\n"
    b"# TYPE probe_success gauge\n"
    b"probe_success %d\n"
)
_EOF = b"# EOF\n"
_LEVEL = 1
_GZIP = 16 + isal_zlib.MAX_WBITS


class Page(Protocol):
    """Where the bytes of a scrape come from."""

    async def read(self, form: Format, *, gzip: bool) -> bytes:
        """Return every org's gauges and the exporter's own metrics."""
        ...

    def read_org(self, org: str, form: Format, *, gzip: bool) -> bytes:
        """Return one org's gauges."""
        ...


class Service(Protocol):
    """What the endpoints need of the service that they belong to."""

    @property
    def ready(self) -> bool:
        """Whether every org has been polled once."""
        ...

    @property
    def orgs(self) -> Mapping[str, Mapping[str, str]] | None:
        """The orgs with their constant labels; None while they are not known."""
        ...

    def up(self, org: str) -> bool:
        """Return `iblai_up` of an org."""
        ...

    @property
    def reload_enabled(self) -> bool:
        """Whether POST /-/reload is allowed."""
        ...

    @property
    def external_url(self) -> str | None:
        """Where the exporter is reached from outside, if that is another address."""
        ...

    @property
    def route_prefix(self) -> str:
        """The path below which all pages are served too: empty, or such as `/iblai`."""
        ...

    def waiting(self) -> str:
        """Return what the service waits for before it is ready."""
        ...

    async def reload(self) -> None:
        """Load the configuration anew, or raise `ConfigError` and keep the old."""
        ...


def build(service: Service, page: Page, status: StatusPages) -> ASGIApp:
    """Return the web application."""
    endpoints = _Endpoints(service, page)
    paths = {
        "/metrics": endpoints.metrics,
        "/probe": endpoints.probe,
        "/sd": endpoints.discovery,
        "/-/healthy": endpoints.healthy,
        "/-/ready": endpoints.ready,
    }
    app = Starlette(
        routes=[
            Route("/", status.overview),
            Route("/orgs/{org:path}", status.org),
            # With a slash at the end, too: a redirect would have to guess what a proxy changed.
            *(Route(path + end, serve) for path, serve in paths.items() for end in ("", "/")),
            *(
                Route(f"/-/reload{end}", endpoints.reload, methods=["POST", "PUT"])
                for end in ("", "/")
            ),
        ]
    )
    app.router.redirect_slashes = False
    return RoutePrefixMiddleware(app, lambda: service.route_prefix)


class _Endpoints:
    def __init__(self, service: Service, page: Page) -> None:
        self._service = service
        self._page = page

    async def metrics(self, request: Request) -> Response:
        """Return the series of all orgs and of the exporter."""
        format_ = negotiate(request.headers.get("accept", ""))
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        body = await self._page.read(format_.form, gzip=gzip)
        return _exposition(body, format_.content_type, gzip=gzip)

    async def probe(self, request: Request) -> Response:
        """Return the series of one org, and `probe_success`."""
        target = request.query_params.get("target", "")
        if not target:
            return _text("Name an org: /probe?target=ORG\n", 400)
        if target not in (self._service.orgs or {}):
            return _text("Unknown org. /sd lists those that are configured.\n", 404)
        format_ = negotiate(request.headers.get("accept", ""))
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        body = self._page.read_org(target, format_.form, gzip=False)
        success = _PROBE_SUCCESS % self._service.up(target)
        if format_.form is Format.OPENMETRICS:
            body = body.removesuffix(_EOF) + success + _EOF
        else:
            body += success
        if gzip:
            body = isal_zlib.compress(body, _LEVEL, _GZIP)
        return _exposition(body, format_.content_type, gzip=gzip)

    async def discovery(self, request: Request) -> Response:
        """List all orgs, in the format of http_sd_configs."""
        host = request.headers.get("host", "")
        external_url = self._service.external_url
        if not external_url and not _HOST.fullmatch(host):
            return _text("Send a Host header: it becomes the address of the targets.\n", 400)
        orgs = self._service.orgs
        if orgs is None:
            # An empty list would delete every target.
            return _text("The list of orgs is not known yet.\n", 503)
        here = urlsplit(
            external_url or f"{request.url.scheme}://{host}{self._service.route_prefix}"
        )
        return JSONResponse(
            [
                {
                    "targets": [here.netloc],
                    "labels": {
                        "__scheme__": here.scheme,
                        "__metrics_path__": f"{here.path.rstrip('/')}/probe",
                        "__param_target": org,
                        "instance": org,  # so that each org has an `up` of its own
                        "__meta_iblai_org": org,
                        **{f"__meta_iblai_label_{k}": v for k, v in labels.items() if k != "org"},
                    },
                }
                for org, labels in orgs.items()
            ]
        )

    async def healthy(self, _: Request) -> Response:
        """Show that the process serves requests."""
        return _text("Healthy.\n")

    async def ready(self, _: Request) -> Response:
        """Show whether every org was polled."""
        if self._service.ready:
            return _text("Ready.\n")
        return _text(f"{self._service.waiting()}\n", 503)

    async def reload(self, _: Request) -> Response:
        """Reload the configuration."""
        if not self._service.reload_enabled:
            return _text("Reload over HTTP is off. Set web.enable_reload, or send SIGHUP.\n", 403)
        try:
            await self._service.reload()
        except ConfigError as error:
            return _text(f"The old configuration stays in use.\n{error}\n", 500)
        return _text("Reloaded.\n")


def accepts_gzip(header: str) -> bool:
    """Return whether an `Accept-Encoding` header allows gzip."""
    allowed = {}
    for clause in header.split(","):
        name, *parameters = (part.strip().lower() for part in clause.split(";"))
        allowed[name] = not any(_is_q0(parameter) for parameter in parameters)
    return allowed.get("gzip", allowed.get("*", False))


def _is_q0(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    try:
        return name.strip() == "q" and float(value) == 0
    except ValueError:
        return False


def _exposition(body: bytes, content_type: str, *, gzip: bool) -> Response:
    headers = {"content-type": content_type, "vary": "Accept, Accept-Encoding"}
    if gzip:
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers)


def _text(body: str, status: int = 200) -> Response:
    return PlainTextResponse(body, status)
