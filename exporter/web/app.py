"""The HTTP endpoints. None of them waits for the network: all serve what is known already."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from exporter.exposition import Format, negotiate
from exporter.settings import ConfigError
from exporter.web.negotiation import accepts_gzip
from exporter.web.probe import with_success
from exporter.web.route_prefix import RoutePrefixMiddleware
from exporter.web.status import StatusPages


class Page(Protocol):
    """Where the bytes of a scrape come from."""

    async def read(self, form: Format, *, gzip: bool) -> bytes:
        """Return every org's gauges and the exporter's own metrics."""
        ...

    def read_org(self, org: str, form: Format, *, gzip: bool) -> bytes:
        """Return one org's gauges."""
        ...


class Service(Protocol):
    """What the endpoints ask of the service they belong to."""

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
        """Say what the service still waits for before it is ready."""
        ...

    async def reload(self) -> None:
        """Load the configuration anew, or raise `ConfigError` and keep the old."""
        ...


def build(service: Service, page: Page, status: StatusPages) -> ASGIApp:
    """Return the web application."""
    endpoints = {
        "/metrics": _metrics(page),
        "/probe": _probe(service, page),
        "/sd": _discovery(service),
        "/-/healthy": _healthy,
        "/-/ready": _ready(service),
    }
    reload = _reload(service)
    app = Starlette(
        routes=[
            Route("/", status.overview),
            Route("/orgs/{org:path}", status.org),
            # With a slash at the end, too: a redirect would have to guess what a proxy changed.
            *(Route(path + end, serve) for path, serve in endpoints.items() for end in ("", "/")),
            *(Route(f"/-/reload{end}", reload, methods=["POST", "PUT"]) for end in ("", "/")),
        ]
    )
    app.router.redirect_slashes = False
    return RoutePrefixMiddleware(app, lambda: service.route_prefix)


_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
"""A name or an address, and maybe a port."""

Handler = Callable[[Request], Awaitable[Response]]


def _metrics(page: Page) -> Handler:
    async def metrics(request: Request) -> Response:
        wanted = negotiate(request.headers.get("accept", ""))
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        return _exposition(await page.read(wanted.form, gzip=gzip), wanted.content_type, gzip=gzip)

    return metrics


def _probe(service: Service, page: Page) -> Handler:
    async def probe(request: Request) -> Response:
        target = request.query_params.get("target", "")
        if not target:
            return _text("Name an org: /probe?target=ORG\n", 400)
        if target not in (service.orgs or {}):
            return _text("Unknown org. /sd lists those that are configured.\n", 404)
        wanted = negotiate(request.headers.get("accept", ""))
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        text = page.read_org(target, wanted.form, gzip=False)
        body = with_success(text, wanted.form, up=service.up(target), gzip=gzip)
        return _exposition(body, wanted.content_type, gzip=gzip)

    return probe


def _discovery(service: Service) -> Handler:
    async def discovery(request: Request) -> Response:
        """List all orgs, in the format of http_sd_configs."""
        host = request.headers.get("host", "")
        if not service.external_url and not _HOST.fullmatch(host):
            return _text("Send a Host header: it becomes the address of the targets.\n", 400)
        orgs = service.orgs
        if orgs is None:
            # An empty list would delete every target.
            return _text("The list of orgs is not known yet.\n", 503)
        here = urlsplit(
            service.external_url or f"{request.url.scheme}://{host}{service.route_prefix}"
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

    return discovery


async def _healthy(_: Request) -> Response:
    return _text("Healthy.\n")


def _ready(service: Service) -> Handler:
    async def ready(_: Request) -> Response:
        return _text("Ready.\n") if service.ready else _text(service.waiting() + "\n", 503)

    return ready


def _reload(service: Service) -> Handler:
    async def reload(_: Request) -> Response:
        if not service.reload_enabled:
            return _text("Reload over HTTP is off. Set web.enable_reload, or send SIGHUP.\n", 403)
        try:
            await service.reload()
        except ConfigError as error:
            return _text(f"The old configuration stays in use.\n{error}\n", 500)
        return _text("Reloaded.\n")

    return reload


def _exposition(body: bytes, content_type: str, *, gzip: bool) -> Response:
    headers = {"content-type": content_type, "vary": "Accept, Accept-Encoding"}
    if gzip:
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers)


def _text(body: str, status: int = 200) -> Response:
    return PlainTextResponse(body, status)
