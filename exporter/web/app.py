"""The HTTP endpoints. None of them waits on the network: all read what is known already."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.exposition import Format, negotiate
from exporter.settings import ConfigError
from exporter.web.negotiation import accepts_gzip
from exporter.web.status import StatusPages


class Page(Protocol):
    """Where the bytes of a scrape come from."""

    async def read(self, form: Format, *, gzip: bool) -> bytes:
        """Return every org's figures and the exporter's own metrics."""
        ...

    def read_org(self, org: str, form: Format, *, gzip: bool) -> bytes:
        """Return one org's figures."""
        ...


class Service(Protocol):
    """What the endpoints ask of the service they belong to."""

    @property
    def ready(self) -> bool:
        """Whether every org has been tried once."""
        ...

    @property
    def orgs(self) -> Mapping[str, Mapping[str, str]]:
        """The orgs being watched, with their constant labels."""
        ...

    @property
    def reload_enabled(self) -> bool:
        """Whether POST /-/reload is allowed."""
        ...

    @property
    def external_url(self) -> str | None:
        """Where the exporter is reached from outside, if that is another address."""
        ...

    def waiting(self) -> str:
        """Say what the service still waits for before it is ready."""
        ...

    async def reload(self) -> None:
        """Load the configuration anew, or raise `ConfigError` and keep the old."""
        ...


def build(service: Service, page: Page, status: StatusPages) -> Starlette:
    """Return the web application."""
    return Starlette(
        routes=[
            Route("/", status.overview),
            Route("/orgs/{org:path}", status.org),
            Route("/metrics", _metrics(page)),
            Route("/probe", _probe(service, page)),
            Route("/sd", _discovery(service)),
            Route("/-/healthy", _healthy),
            Route("/-/ready", _ready(service)),
            Route("/-/reload", _reload(service), methods=["POST", "PUT"]),
        ]
    )


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
        if target not in service.orgs:
            return _text("Unknown org. /sd lists those that are configured.\n", 404)
        wanted = negotiate(request.headers.get("accept", ""))
        gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
        body = page.read_org(target, wanted.form, gzip=gzip)
        return _exposition(body, wanted.content_type, gzip=gzip)

    return probe


def _discovery(service: Service) -> Handler:
    async def discovery(request: Request) -> Response:
        """List all orgs, in the format of http_sd_configs."""
        host = request.headers.get("host", "")
        if not service.external_url and not _HOST.fullmatch(host):
            return _text("Send a Host header: it becomes the address of the targets.\n", 400)
        here = urlsplit(service.external_url or f"{request.url.scheme}://{host}")
        if not service.orgs:
            # An empty list would delete every target.
            return _text("The list of orgs is not known yet.\n", 503)
        return JSONResponse(
            [
                {
                    "targets": [here.netloc],
                    "labels": {
                        "__scheme__": here.scheme,
                        "__metrics_path__": f"{here.path.rstrip('/')}/probe",
                        "__param_target": org,
                        "__meta_iblai_org": org,
                        **{f"__meta_iblai_label_{k}": v for k, v in labels.items() if k != "org"},
                    },
                }
                for org, labels in service.orgs.items()
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
