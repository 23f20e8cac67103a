"""A real HTTP server on loopback that answers as the platform's API does, from a `World`."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from agents.registry import builtin_registry
from compiler.plan import plan
from compiler.specification import Specification
from tests.client.fake_kept import kept_routes
from tests.client.world import QUESTION, REVIEWS, REVIEWS_LEVELS, UPTIME, UPTIME_LEVELS, World

TOKEN = "weft_test_token"
DASHBOARD = Path(__file__).resolve().parents[2] / "serve" / "dashboard"
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'"
)
TERMINAL = ("workflow_completed", "workflow_failed", "workflow_cancelled")


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    """Answer with an RFC 9457 problem."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


def _plan(specification: dict[str, Any]) -> dict[str, Any]:
    agents = builtin_registry().signatures()
    document = plan(Specification.model_validate(specification), agents).to_document()
    # The world's specifications are sketches without parameters.
    return {**document, "problems": [], "runnable": True}


class FakeApi:
    """The server with what tests set and look at.

    Attributes:
        world: The state it answers from.
        requests: Method, path, headers and body of every API request, in order.
        failures: Bare ingress answers to give before real ones: (path part, status), in order.
        cut_after: WebSockets are cut after this many messages each; None: never.
        ready: Whether /ready says so.
        refuse_input: Whether starts are refused for their input.
        refuse_handshakes: Whether WebSockets are refused with a status, as an ingress does.
    """

    def __init__(self) -> None:
        self.world = World()
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.failures: list[tuple[str, int]] = []
        self.cut_after: int | None = None
        self.streams: list[str] = []
        self.ready = True
        self.refuse_handshakes = False
        self.refuse_input = False
        self.base_url = ""
        self._wakers: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self.world.on_change = self._wake

    def _wake(self) -> None:
        for waker in list(self._wakers):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(waker.set)

    def calls(self, method: str, path_part: str) -> list[Any]:
        """Return the bodies of the requests of a method whose path contains a text."""
        return [body for m, path, _, body in self.requests if m == method and path_part in path]

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[FakeApi]:
        """Serve on loopback until the block ends."""
        config = uvicorn.Config(
            _application(self),
            host="127.0.0.1",
            port=port,
            log_level="error",
            ws="websockets-sansio",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        self._stopping = False
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(self._serve(server)), daemon=True)
        thread.start()
        deadline = time.monotonic() + 20
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError("the fake API did not start")
            thread.join(0.01)
        address = server.servers[0].sockets[0].getsockname()
        self.base_url = f"http://127.0.0.1:{address[1]}"
        try:
            yield self
        finally:
            server.should_exit = True
            self._stopping = True
            self._wake()
            thread.join(20)

    async def _serve(self, server: uvicorn.Server) -> None:
        self._loop = asyncio.get_running_loop()
        await server.serve()

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        text = str(body.get("description") or body.get("yaml") or "")
        if "explode" in text:
            return problem(
                422,
                "The specification is wrong",
                "1 problem was found.",
                problems=[
                    {
                        "path": "nodes[0].agent",
                        "rule": "unknown_agent",
                        "message": "There is no agent named explode.",
                        "remedy": "Use one of llm, api.",
                        "line": 3,
                    }
                ],
            )
        questions = [QUESTION] if "me?" in text and not body.get("answers") else []
        specification, levels = (
            (UPTIME, UPTIME_LEVELS) if "uptime" in text else (REVIEWS, REVIEWS_LEVELS)
        )
        shape: dict[str, Any] = {
            "parsed_specification": specification,
            "diagram": "flowchart TD",
            "levels": levels,
            "questions": questions,
            "reading": _reading(body),
        }
        if body.get("dry_run"):
            name, text = specification["metadata"]["name"], "pattern: map_reduce\n"
            more = {"dry_run": True, "name": name, "plan": _plan(specification)}
            return JSONResponse({**shape, **more, "problems": [], "yaml": text})
        if questions:
            detail = "The description leaves something open."
            return problem(422, "More is needed", detail, questions=questions)
        workflow_id = self.world.add_workflow(specification, levels)
        stored = self.world.workflows[workflow_id]
        keys = ("workflow_id", "name", "status", "yaml_config_url", "version", "created_at")
        return JSONResponse({**shape, **{key: stored[key] for key in keys}}, 201)

    async def _list_workflows(self, request: Request) -> Response:
        status = request.query_params.get("status")
        found = [
            w for w in self.world.workflows.values() if status is None or w["status"] == status
        ]
        found.reverse()
        return JSONResponse({"workflows": found, "total": len(found), "limit": 50, "offset": 0})

    async def _workflow(self, request: Request) -> Response:
        stored = self.world.workflows.get(request.path_params["id"])
        if stored is None:
            return problem(404, "Not found", "There is no such workflow.", remedy="List them.")
        if request.method == "DELETE":
            del self.world.workflows[stored["workflow_id"]]
            return Response(status_code=204)
        if request.query_params.get("format") == "yaml":
            return PlainTextResponse("pattern: map_reduce\n", media_type="text/yaml")
        return JSONResponse(stored)

    async def _archive(self, request: Request) -> Response:
        stored = self.world.workflows[request.path_params["id"]]
        stored["status"] = "archived"
        return JSONResponse(stored)

    async def _execute(self, request: Request) -> Response:
        if self.refuse_input:
            return problem(422, "The input is wrong", "url is missing.")
        key = request.headers.get("idempotency-key", "")
        execution_id = self.world.start(request.path_params["id"], key)
        execution = self.world.executions[execution_id]
        names = ("execution_id", "workflow_id", "status", "progress", "started_at")
        return JSONResponse({name: execution[name] for name in names}, 202)

    async def _execution(self, request: Request) -> Response:
        execution = self.world.executions.get(request.path_params["id"])
        if execution is None:
            return problem(404, "Not found", "There is no such execution.", remedy="List them.")
        return JSONResponse(execution)

    async def _list_executions(self, request: Request) -> Response:
        wanted = request.path_params.get("id") or request.query_params.get("workflow_id")
        status = request.query_params.get("status")
        found = [
            {**e, "cost_usd": e["cost"]["total_usd"]}
            for e in reversed(self.world.executions.values())
            if status in (None, e["status"]) and wanted in (None, e["workflow_id"])
        ]
        return JSONResponse({"executions": found, "total": len(found)})

    async def _cancel(self, request: Request) -> Response:
        execution_id = request.path_params["id"]
        self.world.finish(execution_id, "cancelled")
        progress = self.world.executions[execution_id]["progress"]
        done = progress["completed_nodes"]
        answer = {
            "execution_id": execution_id,
            "status": "cancelled",
            "cancelled_at": self.world.now,
            "message": "Workflow execution cancelled by user",
            "completed_nodes": done,
            "pending_nodes": progress["total_nodes"] - done,
        }
        return JSONResponse(answer)

    async def _checkpoints(self, request: Request) -> Response:
        found = self.world.checkpoints(request.path_params["id"])
        return JSONResponse({"checkpoints": found, "total": len(found), "limit": 100, "offset": 0})

    async def _state(self, request: Request) -> Response:
        number = int(request.path_params["number"])
        return JSONResponse(self.world.state(request.path_params["id"], number))

    async def _again(self, request: Request) -> Response:
        kind = request.url.path.rsplit("/", 1)[-1]
        source = self.world.executions[request.path_params["id"]]
        if kind == "retry" and source["status"] == "completed":
            detail = "The execution is completed, so there is nothing to retry."
            return problem(409, "Conflict", detail, remedy="Rerun it from one of its nodes.")
        body = await request.json() if await request.body() else {}
        key = request.headers.get("idempotency-key", "")
        made = self.world.make(source["execution_id"], kind, body, key)
        names = ("execution_id", "workflow_id", "status", "origin", "started_at")
        return JSONResponse({name: made[name] for name in names}, 202)

    async def _bulk(self, request: Request) -> Response:
        body = await request.json()
        matched = [
            {"execution_id": id, "made": None, "problem": None}
            for id, execution in self.world.executions.items()
            if body["filter"].get("status") in (None, execution["status"])
        ]
        done = 0 if body["dry_run"] else len(matched)
        head = {"action": body["action"], "dry_run": body["dry_run"], "matched": len(matched)}
        return JSONResponse({**head, "done": done, "refused": 0, "executions": matched})

    async def _approve(self, request: Request) -> Response:
        decision = self.world.decide(request.path_params["id"], await request.json())
        if decision is None:
            return problem(409, "Nothing to decide", "No approval is open.")
        return JSONResponse(decision)

    async def _logs(self, request: Request) -> Response:
        return JSONResponse({"logs": self.world.logs.get(request.path_params["id"], [])})

    async def _items(self, request: Request) -> Response:
        items = self.world.items.get(request.path_params["node"], [])
        wanted = request.query_params.get("status")
        found = [item for item in items if wanted in (None, item["status"])]
        limit, offset = (int(request.query_params.get(name, 0)) for name in ("limit", "offset"))
        page = {"items": found[offset : offset + limit], "total": len(found)}
        return JSONResponse({**page, "limit": limit, "offset": offset})

    async def _item(self, request: Request) -> Response:
        items = self.world.items.get(request.path_params["node"], [])
        return JSONResponse(items[int(request.path_params["index"])])

    async def _events(self, request: Request) -> Response:
        after = int(request.query_params.get("after", 0))
        events = self.world.events.get(request.path_params["id"], [])
        return JSONResponse({"events": [event for event in events if event["seq"] > after]})

    async def _session(self, request: Request) -> Response:
        if request.method == "POST":
            if (await request.json()).get("token") != TOKEN:
                return problem(
                    401, "Unauthorized", "The token is not known.", remedy="Run `weft token`."
                )
            response = Response(status_code=204)
            response.set_cookie("weft_session", TOKEN, httponly=True, samesite="strict")
            return response
        if request.method == "DELETE":
            response = Response(status_code=204)
            response.delete_cookie("weft_session")
            return response
        return JSONResponse(
            {
                "user": {"id": "user_1", "email": "me@example.com", "name": "Me"},
                "organization": {"id": "org_1", "name": "Example"},
                "role": "owner",
            }
        )

    async def _readers(self, request: Request) -> Response:
        return JSONResponse({"models": ["gpt-4"]})

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _readiness(self, request: Request) -> Response:
        checks = {"postgres": "ok", "redis": "ok" if self.ready else "down", "executors": "ok"}
        status = "ready" if self.ready else "not_ready"
        return JSONResponse({"status": status, "checks": checks}, 200 if self.ready else 503)

    async def _stream(self, socket: WebSocket) -> None:
        execution_id = socket.path_params["id"]
        self.streams.append(str(socket.url))
        if execution_id not in self.world.events:
            await socket.accept()
            await socket.close(4404, "There is no such execution.")
            return
        await socket.accept()
        seen = int(socket.query_params.get("after", 0))
        events = self.world.events[execution_id]
        await self._send_events(socket, lambda sent: events[seen + sent :])

    async def _stream_all(self, socket: WebSocket) -> None:
        self.streams.append(str(socket.url))
        await socket.accept()
        before = sum(map(len, self.world.events.values()))

        def fresh(sent: int) -> list[dict[str, Any]]:
            events = [event for events in self.world.events.values() for event in events]
            return sorted(events, key=lambda event: event["timestamp"])[before + sent :]

        await self._send_events(socket, fresh, endless=True)

    async def _send_events(self, socket: WebSocket, fresh: Any, *, endless: bool = False) -> None:
        waker = asyncio.Event()
        self._wakers.add(waker)
        sent = 0
        try:
            await socket.send_json({"type": "ping"})
            while True:
                waker.clear()
                for event in fresh(sent):
                    await socket.send_json(event)
                    sent += 1
                    if self.cut_after is not None and sent >= self.cut_after:
                        await socket.close(1011)
                        return
                    if event["type"] in TERMINAL and not endless:
                        await socket.close(1000)
                        return
                if self._stopping:
                    await socket.close(1012)
                    return
                await waker.wait()
        except WebSocketDisconnect:
            return
        finally:
            self._wakers.discard(waker)


def _reading(body: dict[str, Any]) -> dict[str, Any] | None:
    """A sentence that speaks of a model was read by one, unless it was to be read offline."""
    text = body.get("description")
    if text is None:
        return None
    if "model" not in text or body.get("offline"):
        return {"by": "offline", "cached": False, "rounds": 0, "llm_tokens": 0, "cost_usd": 0.0,
                "ms": 2.0, "notes": []}  # fmt: skip
    return {"by": "gpt-4", "cached": False, "rounds": 2, "llm_tokens": 1100, "cost_usd": 0.0015,
            "ms": 1200.0, "notes": ["claude-sonnet-5-5: failed with 500"]}  # fmt: skip


class Gate:
    """Middleware: records requests, gives the set failures, asks for the token, adds the policy."""

    def __init__(self, app: ASGIApp, api: FakeApi) -> None:
        self.app = app
        self.api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        path = scope["path"]
        connection = HTTPConnection(scope)
        if scope["type"] == "http" and path.startswith("/api/"):
            receive = await self._record(Request(scope, receive), receive)
            for failure in list(self.api.failures):
                if failure[0] in path:
                    self.api.failures.remove(failure)
                    await PlainTextResponse("", failure[1])(scope, receive, send)
                    return
        login = path == "/api/v1/session" and scope.get("method") == "POST"
        if scope["type"] == "websocket" and self.api.refuse_handshakes:
            await WebSocket(scope, receive, send).close()
            return
        if path.startswith("/api/") and not login and not _knows(connection):
            if scope["type"] == "websocket":
                socket = WebSocket(scope, receive, send)
                await socket.accept()
                await socket.close(4401, "Who are you?")
                return
            refusal = problem(401, "Unauthorized", "No token.", remedy="Run `weft token`.")
            await refusal(scope, receive, send)
            return

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = (b"content-security-policy", POLICY.encode())
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        await self.app(scope, receive, with_policy)

    async def _record(self, request: Request, receive: Receive) -> Receive:
        body = await request.body()
        parsed = await request.json() if body else None
        entry = (request.method, request.url.path, dict(request.headers), parsed)
        self.api.requests.append(entry)
        given = False

        async def replay() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        return replay


def _knows(connection: HTTPConnection) -> bool:
    bearer = connection.headers.get("authorization") == f"Bearer {TOKEN}"
    return bearer or connection.cookies.get("weft_session") == TOKEN


def _application(api: FakeApi) -> Starlette:
    base = "/api/v1/workflows"
    one = f"{base}/executions/{{id}}"
    routes = [
        Route("/health", api._health),
        Route("/ready", api._readiness),
        Route("/api/v1/readers", api._readers),
        Route("/api/v1/session", api._session, methods=["GET", "POST", "DELETE"]),
        Route(base, api._list_workflows),
        Route(f"{base}/create", api._create, methods=["POST"]),
        WebSocketRoute(f"{base}/stream", api._stream_all),
        Route(f"{base}/executions", api._list_executions),
        Route(one, api._execution),
        Route(f"{one}/cancel", api._cancel, methods=["POST"]),
        Route(f"{one}/approve", api._approve, methods=["POST"]),
        Route(f"{base}/executions/bulk", api._bulk, methods=["POST"]),
        Route(f"{one}/checkpoints", api._checkpoints),
        Route(f"{one}/checkpoints/{{number:int}}", api._state),
        *(
            Route(f"{one}/{kind}", api._again, methods=["POST"], name=kind)
            for kind in ("rerun", "fork", "retry")
        ),
        Route(f"{one}/logs", api._logs),
        Route(f"{one}/nodes/{{node}}/items", api._items),
        Route(f"{one}/nodes/{{node}}/items/{{index}}", api._item),
        *kept_routes(api.world, f"{base}/executions"),
        Route(f"{one}/events", api._events),
        WebSocketRoute(f"{one}/stream", api._stream),
        Route(f"{base}/{{id}}", api._workflow, methods=["GET", "DELETE"]),
        Route(f"{base}/{{id}}/archive", api._archive, methods=["POST"]),
        Route(f"{base}/{{id}}/execute", api._execute, methods=["POST"]),
        Route(f"{base}/{{id}}/executions", api._list_executions),
        Mount("/", StaticFiles(directory=DASHBOARD, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Gate, api=api)])
