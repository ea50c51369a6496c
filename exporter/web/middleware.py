"""Middleware for the web configuration: rate limit, basic authentication, response headers."""

import asyncio
import base64
import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Mapping

import bcrypt
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from exporter.web.rate_limit import TokenBucket
from exporter.web.web_config import WebConfig

_CACHE_SIZE = 100
"""Verified passwords that are cached, so that a scrape does not cost a hash each time."""

_MAX_PASSWORD = 72
"""Bytes of a password that bcrypt uses."""


class Passwords:
    """Compares users and passwords with bcrypt hashes.

    Only matches are cached: wrong guesses must not displace them.
    """

    def __init__(self) -> None:
        self._verified: deque[bytes] = deque(maxlen=_CACHE_SIZE)
        self._salt = os.urandom(16)
        # One hash at a time, so that guesses cannot use all CPUs.
        self._one_at_a_time = asyncio.Lock()

    async def match(self, authorization: str, users: Mapping[str, str]) -> bool:
        """Return whether an `Authorization` header has the password of one of `users`.

        There is at least one user. For an unknown user the hash of another is used, so that the
        time does not reveal which users exist.
        """
        user, password = _credentials(authorization)
        digest = users.get(user, next(iter(users.values()))).encode()
        key = hashlib.sha256(b"\0".join((self._salt, digest, user.encode(), password))).digest()
        if key not in self._verified:
            async with self._one_at_a_time:
                if not await asyncio.to_thread(_matches, password, digest):
                    return False
            self._verified.append(key)
        return user in users


class WebConfigMiddleware:
    """ASGI middleware: rate limit, users and response headers of the web configuration.

    `config` returns the configuration in use.
    """

    def __init__(self, app: ASGIApp, config: Callable[[], WebConfig]) -> None:
        self._app = app
        self._config = config
        self._passwords = Passwords()
        self._bucket = TokenBucket(time.monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        config = self._config()
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(config.headers)
            await send(message)

        app = self._app
        if not self._bucket.allow(config.rate_limit):
            app = _TOO_MANY_REQUESTS
        elif config.users:
            given = Headers(scope=scope).get("authorization", "")
            if not await self._passwords.match(given, config.users):
                app = _UNAUTHORIZED
        await app(scope, receive, send_with_headers if config.headers else send)


_TOO_MANY_REQUESTS = PlainTextResponse("Too many requests\n", 429)

_UNAUTHORIZED = PlainTextResponse(
    "Unauthorized\n", 401, headers={"www-authenticate": 'Basic realm="iblai-exporter"'}
)


def _credentials(authorization: str) -> tuple[str, bytes]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", b""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return user.decode(), password
    except ValueError:  # not Base64, or not UTF-8
        return "", b""


def _matches(password: bytes, digest: bytes) -> bool:
    if b"\0" in password:
        return False
    return bcrypt.checkpw(password[:_MAX_PASSWORD], digest)
