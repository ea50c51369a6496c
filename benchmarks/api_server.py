"""A platform that responds at once: the same bodies for every org, for the days requested.

It has the endpoints of the core collectors, and no others.

`python -m benchmarks.api_server COURSES` prints the port and serves until it is stopped. It is
bare asyncio on purpose, so that what is measured is the client.
"""

import asyncio
import json
import sys
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qs

import uvloop

from exporter.api import endpoints


def _body(name: bytes, courses: int, first: date, last: date) -> bytes | None:
    """Return the body for an org with so many courses, or None without such an endpoint.

    `name` is the end of the endpoint's path; `first` and `last` are the days requested.
    """
    days = [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]
    series = {day.isoformat(): 40 + day.toordinal() % 7 for day in days}
    daily = {"data": series, "total": sum(series.values())}
    sessions = [
        {"time": f"{day}T00:00:00Z", "avg_messages": 7, "total_sessions": 30} for day in days
    ]
    listed: dict[str, Any] = {
        "data": [_course(number) for number in range(courses)],
        "pagination": {"totalItems": courses, "currentPage": 1, "perPage": 100, "totalPages": 1},
        "total": 900,
    }
    learners = {"data": [], "pagination": {**listed["pagination"], "totalItems": 812}}
    bodies: dict[bytes, Any] = {
        _last(endpoint.template.encode()): body
        for endpoint, body in (
            (endpoints.COURSE_VIDEOS, listed),
            (endpoints.ACTIVE_USERS_PER_COURSE, listed),
            (endpoints.ACTIVE_LEARNERS, learners),
            (endpoints.VIDEOS_OVER_TIME, daily),
            (endpoints.ENROLLMENTS_OVER_TIME, daily),
            (endpoints.COURSE_ENROLLMENTS_OVER_TIME, daily),
            (endpoints.MESSAGES_PER_SESSION, sessions),
        )
    }
    return json.dumps(bodies[name]).encode() if name in bodies else None


def _course(number: int) -> dict[str, Any]:
    return {
        "course_id": f"course-v1:Org+C{number:03}+2025",
        "name": f"An introduction to subject {number}",
        "user_count": 40 + number,
        "num_vids": 12,
        "num_watched": 340,
        "time_watched": 86400,
        "avg_percent_watched": 41.7,
        "avg_time_watched": 512.5,
    }


@cache
def _answer(courses: int, name: bytes, query: bytes) -> bytes:
    """Return the response with its header; `name` is the end of the path."""
    given = parse_qs(query.decode("ascii"))
    last = _date(given, "end_date") or datetime.now(UTC).date()
    first = _date(given, "start_date") or last - timedelta(days=27)
    body = _body(name, courses, first, last)
    if body is None:
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _date(query: dict[str, list[str]], name: str) -> date | None:
    return date.fromisoformat(query[name][0]) if name in query else None


class _Connection(asyncio.Protocol):
    """Answers each request."""

    def __init__(self, courses: int) -> None:
        self._courses = courses
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            path, _, query = request[4 : request.index(b" ", 4)].partition(b"?")
            self._transport.write(_answer(self._courses, _last(path), query))


def _last(path: bytes) -> bytes:
    """Return the end of a path, which tells apart what is answered differently."""
    return path.rstrip(b"/").rpartition(b"/")[2]


async def _serve(courses: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(courses), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it waits
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
