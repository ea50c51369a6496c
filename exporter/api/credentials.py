"""On whose behalf the API is asked, and the key that proves it."""

from collections.abc import Iterable
from typing import Protocol

from exporter.api.errors import ApiError, Kind


class Org(Protocol):
    """On whose behalf is asked."""

    @property
    def key(self) -> str:
        """Return the org."""
        ...

    @property
    def base_url(self) -> str:
        """Return where its API is; a path prefix is kept."""
        ...

    @property
    def auth_scheme(self) -> str:
        """Return the word before the key, or nothing."""
        ...

    @property
    def user_id(self) -> str:
        """Return the caller's own user."""
        ...

    def secret(self) -> str:
        """Return the API key as it is this moment. Raises `OSError` and `ValueError`."""
        ...


def read_key(org: Org) -> str:
    """Return the key as it is this moment. Raises `ApiError` without the key in its text."""
    try:
        return org.secret()
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
    except ValueError as error:
        # Subclasses quote what they could not read.
        reason = str(error) if type(error) is ValueError else type(error).__name__
    text = f"{org.key}: the API key cannot be read: {reason}"
    raise ApiError(text, kind=Kind.NO_KEY, sent=False) from None


def unreadable_keys(orgs: Iterable[Org]) -> list[str]:
    """Return what is wrong with each key that cannot be read at this moment."""
    found: list[str] = []
    for org in orgs:
        try:
            read_key(org)
        except ApiError as error:
            found.append(str(error))
    return found


def authorization_header(org: Org, key: str) -> bytes:
    """Return the value of the `Authorization` header."""
    scheme = org.auth_scheme
    value = f"{scheme} {key}" if scheme else key
    if not key.strip() or not value.isascii() or not value.isprintable():
        raise ApiError(
            f"{org.key}: the API key is empty, or holds a line break or another "
            "character that cannot be sent",
            kind=Kind.BAD_KEY,
            sent=False,
        )
    return value.encode("ascii")
