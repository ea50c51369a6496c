"""A minimal analytics API in a thread of its own, which records requests and fails on command."""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

COURSES = [f"course-v1:Acme+C{number}+2026" for number in range(5)]
_ORG = re.compile(r"/orgs/([^/]+)/")


@dataclass(frozen=True)
class Received:
    """One request: when it arrived (monotonic seconds), and what it was about."""

    at: float
    org: str
    path: str
    query: dict

    @property
    def days(self):
        """The days of its range, both ends included."""
        first, last = (date.fromisoformat(self.query[k]) for k in ("start_date", "end_date"))
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass
class Fault:
    """What happens to requests that match: a status, a delay in seconds, or both."""

    status: int = 200
    delay: float = 0.0
    org: str = ""
    path: str = ""
    body: bytes | None = None
    retry_after: int | None = None

    def hits(self, request):
        return (not self.org or self.org == request.org) and self.path in request.path


@dataclass
class FakeApi:
    """Serves every endpoint of the core collectors for every org."""

    courses: list = field(default_factory=lambda: list(COURSES))
    latency: float = 0.0
    faults: list = field(default_factory=list)
    received: list = field(default_factory=list)
    open: int = 0
    now: object = staticmethod(lambda: datetime.now(UTC))
    port: int = 0

    def __enter__(self):
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()

        async def listen():
            self._server = await asyncio.start_server(
                self._serve, "127.0.0.1", self.port, backlog=500
            )
            self.port = self._server.sockets[0].getsockname()[1]
            ready.set()

        def run():
            self._loop.run_until_complete(listen())
            self._loop.run_forever()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_):
        async def end():
            self._server.close()
            tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(5)
        self._loop.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def of(self, org):
        return [request for request in self.received if request.org == org]

    def counts(self):
        return Counter(request.org for request in self.received)

    async def _serve(self, reader, writer):
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._respond(head.decode("latin-1"), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _respond(self, head, writer):
        target = urlsplit(head.split(" ")[1])
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        path = unquote(target.path)
        found = _ORG.search(path)
        org = found[1] if found else query.get("platform_key", "")
        request = Received(time.monotonic(), org, path, query)
        self.received.append(request)
        fault = next((fault for fault in self.faults if fault.hits(request)), Fault())
        self.open += 1
        try:
            await asyncio.sleep(self.latency + fault.delay)
        finally:
            self.open -= 1
        body = fault.body
        if body is None:
            body = self._body(request) if fault.status == 200 else b'{"detail": "no"}'
        retry = f"retry-after: {fault.retry_after}\r\n" if fault.retry_after else ""
        writer.write(
            f"HTTP/1.1 {fault.status} X\r\ncontent-type: application/json\r\n{retry}"
            f"content-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        await writer.drain()

    def _body(self, request):
        path = request.path
        if "/api/analytics/" in path:
            return json.dumps(self._v2(request)).encode()
        if path.endswith("active-users/per-course"):
            rows = [{"course_id": c, "name": c[-8:], "user_count": 8} for c in self.courses]
            return json.dumps({"data": rows, "total": 40, "meta": {"total": 40}}).encode()
        if path.endswith("/videos/"):
            rows = [
                {
                    "course_id": course,
                    "name": course[-8:],
                    "num_vids": 10,
                    "num_watched": 5,
                    "time_watched": 300,
                    "avg_percent_watched": 50,
                    "avg_time_watched": 30,
                }
                for course in self.courses
            ]
            pagination = {"totalItems": len(rows), "currentPage": 1, "totalPages": 1}
            return json.dumps({"data": rows, "pagination": pagination}).encode()
        if path.endswith("active-users/users"):
            return json.dumps({"data": [], "pagination": {"totalItems": 33}}).encode()
        today = self.now().date()
        days = [day for day in request.days if day <= today]
        if path.endswith("average-messages-per-session/"):
            rows = [
                {"time": f"{day}T00:00:00Z", "avg_messages": 4, "total_sessions": 25}
                for day in days
            ]
            return json.dumps(rows).encode()
        data = {day.isoformat(): 3 for day in days}
        return json.dumps({"data": data, "total": 3 * len(data)}).encode()

    def _v2(self, request):
        """Return what the newer family says of the same data."""
        metric = request.query.get("metric")
        number = len(request.days)
        if request.path.endswith("users/"):
            return {"metric": metric, "count": 40}
        if request.path.endswith("content/"):
            rows = [
                {"id": c, "name": c[-8:], "analytics": {"enrollments": 3 * number}}
                for c in self.courses
            ]
            totals = {"total_learners": 40, "total_enrollments": 3 * number}
            pages = {"count": len(rows), "current_page": 1, "total_pages": 1}
            return {"summary": {"totals": totals}, "pagination": pages, "results": rows}
        if metric == "headline":
            return {"metric": metric, "avg_messages_per_session": {"value": 4.0}}
        points = [{"date": f"{day}T00:00:00Z", "value": 25} for day in request.days]
        return {"metric": metric, "points": points}
