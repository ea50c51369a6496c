"""Serves all pages below a path prefix as well."""

from collections.abc import Callable
from urllib.parse import quote, unquote, urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


def route_prefix(*, external_url: str | None, configured: str | None) -> str:
    """Return the prefix without a slash at its end: empty, or such as `/iblai`.

    As in Prometheus, it is the path of `external_url` unless `web.route_prefix` says otherwise.
    """
    path = urlsplit(external_url or "").path if configured is None else configured
    path = path.strip("/")
    return f"/{path}" if path else ""


class RoutePrefixMiddleware:
    """ASGI middleware: what is served at `/x` is served at `PREFIX/x` as well.

    Some proxies remove the prefix and others do not. `prefix` is called for each request, since a
    reload may change it.
    """

    def __init__(self, app: ASGIApp, prefix: Callable[[], str]) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        prefix = unquote(self._prefix())
        app = self._app
        if scope["type"] == "http" and prefix:
            if scope["path"] == prefix:
                # Relative, so that host and port are those that the client used.
                place = quote(prefix.rpartition("/")[2])
                app = Response(status_code=307, headers={"location": f"{place}/"})
            elif scope["path"].startswith(f"{prefix}/"):
                scope = {**scope, "root_path": prefix}
        await app(scope, receive, send)
