"""The API key of an org, and the header that carries it."""

from collections.abc import Iterable

from exporter.api.errors import ApiError, Kind
from exporter.settings import Org


def read_key(org: Org) -> str:
    """Return the current API key. Raises `ApiError` without the key in its text."""
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
    """Return what is wrong with each key that cannot be read."""
    problems: list[str] = []
    for org in orgs:
        try:
            read_key(org)
        except ApiError as error:
            problems.append(str(error))
    return problems


def authorization_header(org: Org, key: str) -> bytes:
    """Return the value of the `Authorization` header. Raises `ApiError`."""
    value = f"{org.auth_scheme} {key}" if org.auth_scheme else key
    if not key.strip() or not value.isascii() or not value.isprintable():
        raise ApiError(
            f"{org.key}: the API key is empty, or contains a line break or another "
            "character that cannot be sent",
            kind=Kind.BAD_KEY,
            sent=False,
        )
    return value.encode("ascii")
