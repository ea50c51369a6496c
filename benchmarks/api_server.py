"""A platform that responds at once: the same bodies for every org, made before it serves.

It has the endpoints of the core collectors, and no others.

`python -m benchmarks.api_server COURSES` prints the port and serves until it is stopped. It is
bare asyncio on purpose, so that what is measured is the client.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import uvloop

from exporter.api import endpoints
from exporter.api.endpoints import Endpoint

DAYS = 220
"""Days of history in each response, and tomorrow for orgs that are ahead of UTC."""


def bodies(courses: int) -> dict[Endpoint, bytes]:
    """Return the response of each endpoint for an org with so many courses."""
    today = datetime.now(UTC).date()
    days = [(today + timedelta(days=1 - back)).isoformat() for back in range(DAYS)]
    series = {day: 40 + place for place, day in enumerate(days)}
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
    answers: dict[Endpoint, Any] = {
        endpoints.COURSE_VIDEOS: listed,
        endpoints.ACTIVE_USERS_PER_COURSE: listed,
        endpoints.ACTIVE_LEARNERS: learners,
        endpoints.VIDEOS_OVER_TIME: daily,
        endpoints.ENROLLMENTS_OVER_TIME: daily,
        endpoints.COURSE_ENROLLMENTS_OVER_TIME: daily,
        endpoints.MESSAGES_PER_SESSION: sessions,
    }
    return {endpoint: json.dumps(answer).encode() for endpoint, answer in answers.items()}


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


_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def _answer(body: bytes) -> bytes:
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection(asyncio.Protocol):
    """Answers each request by the end of its path."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for request in requests:
            path = request[4 : request.index(b" ", 4)].partition(b"?")[0]
            self._transport.write(self._answers.get(_last(path), _NOT_FOUND))


def _last(path: bytes) -> bytes:
    """Return the end of a path, which tells apart what is answered differently."""
    return path.rstrip(b"/").rpartition(b"/")[2]


async def _serve(courses: int) -> None:
    answers = {
        _last(endpoint.template.encode()): _answer(body)
        for endpoint, body in bodies(courses).items()
    }
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(answers), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it waits
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(int(sys.argv[1])))
