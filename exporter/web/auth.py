"""Passwords on every page: basic auth against bcrypt hashes, and configured headers."""

import asyncio
import base64
import binascii
import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping

import bcrypt
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_REMEMBERED = 100
"""Verdicts kept, so that a scrape does not cost a hash each time."""

_LONGEST = 72
"""Bytes of a password that bcrypt looks at."""


class Doorkeeper:
    """Knows whether a user and a password belong together."""

    def __init__(self) -> None:
        self._verdicts: OrderedDict[bytes, bool] = OrderedDict()
        self._salt = os.urandom(16)
        # One hash at a time: guessing must not cost all the CPU.
        self._turn = asyncio.Lock()

    async def admits(self, authorization: str, users: Mapping[str, str]) -> bool:
        """Tell whether an `Authorization` header names one of `users` with its password.

        There is at least one user. A stranger is compared with the hash of somebody else, so
        that time does not tell who exists, and stays out even if it fits.
        """
        user, password = _credentials(authorization)
        digest = users.get(user, next(iter(users.values()))).encode()
        ticket = hashlib.sha256(b"\0".join((self._salt, digest, user.encode(), password))).digest()
        if ticket not in self._verdicts:
            async with self._turn:
                same = await asyncio.to_thread(_matches, password, digest)
            self._verdicts[ticket] = same
            while len(self._verdicts) > _REMEMBERED:
                self._verdicts.popitem(last=False)
        return self._verdicts[ticket] and user in users


class Guard:
    """ASGI middleware: lets in who may come in, and adds the configured headers.

    `rules` returns the users and the headers as they are configured at the moment.
    """

    def __init__(
        self, app: ASGIApp, rules: Callable[[], tuple[Mapping[str, str], Mapping[str, str]]]
    ) -> None:
        self._app = app
        self._rules = rules
        self._doorkeeper = Doorkeeper()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        users, headers = self._rules()
        if scope["type"] != "http" or not (users or headers):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        answer = self._app
        if users:
            given = Headers(scope=scope).get("authorization", "")
            if not await self._doorkeeper.admits(given, users):
                answer = _UNAUTHORIZED
        await answer(scope, receive, send_with_headers)


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
    except (binascii.Error, UnicodeDecodeError):
        return "", b""


def _matches(password: bytes, digest: bytes) -> bool:
    if b"\0" in password:
        return False
    return bcrypt.checkpw(password[:_LONGEST], digest)
