import base64

import bcrypt
import pytest

from exporter.web import middleware
from exporter.web.middleware import Passwords

USERS = {"alice": bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()}


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def hashed(monkeypatch):
    """Return what was compared with a hash, in order."""
    seen = []

    def matches(password, digest):
        seen.append((password, digest))
        return bcrypt.checkpw(password, digest)

    monkeypatch.setattr(middleware, "_matches", matches)
    return seen


async def test_who_knows_the_password_is_let_in():
    assert await Passwords().match(basic("alice", "open sesame"), USERS)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic é",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic " + base64.b64encode(b"alice").decode(),
        "Bearer open sesame",
        basic("alice", "open says me"),
        basic("alice", ""),
        basic("alice", "open sesame\0"),
        basic("bob", "open sesame"),
        basic("", "open sesame"),
        basic("alice", "x" * 5000),
    ],
)
async def test_anybody_else_is_not(header):
    assert not await Passwords().match(header, USERS)


async def test_an_unknown_user_costs_as_much_as_a_wrong_password(hashed):
    keeper = Passwords()
    await keeper.match(basic("alice", "wrong"), USERS)
    await keeper.match(basic("nobody", "wrong"), USERS)
    assert len(hashed) == 2
    assert hashed[0][1] == hashed[1][1]


async def test_a_verdict_is_remembered_and_a_new_hash_makes_a_new_one(hashed):
    keeper = Passwords()
    for _ in range(3):
        assert await keeper.match(basic("alice", "open sesame"), USERS)
    assert len(hashed) == 1
    changed = {"alice": bcrypt.hashpw(b"another", bcrypt.gensalt(4)).decode()}
    assert not await keeper.match(basic("alice", "open sesame"), changed)
    assert len(hashed) == 2


async def test_wrong_guesses_do_not_displace_a_known_password(hashed):
    passwords = Passwords()
    assert await passwords.match(basic("alice", "open sesame"), USERS)
    for guess in range(150):
        assert not await passwords.match(basic("alice", f"guess {guess}"), USERS)
    hashed.clear()
    assert await passwords.match(basic("alice", "open sesame"), USERS)
    assert hashed == []


async def test_a_verdict_does_not_outlive_the_user_it_is_about():
    keeper = Passwords()
    renamed = {"bob": USERS["alice"]}
    assert not await keeper.match(basic("bob", "open sesame"), USERS)
    assert await keeper.match(basic("bob", "open sesame"), renamed)
    assert not await keeper.match(basic("alice", "open sesame"), renamed)
