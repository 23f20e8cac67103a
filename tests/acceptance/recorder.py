"""A real HTTP server on loopback that remembers every request and answers as told."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request: its path with query, its JSON body, its headers, when it came."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]
    monotonic: float


@dataclass
class Recorder:
    """What was called; `delay_seconds` passes before each answer, `status` is what it says."""

    delay_seconds: float = 0.0
    status: int = 200
    answered: int = 0
    """How many calls are answered while others are held."""
    calls: list[Call] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    _server: ThreadingHTTPServer | None = None

    def __post_init__(self) -> None:
        self.held.set()

    @property
    def url(self) -> str:
        """Where the server listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def paths(self) -> list[str]:
        """The paths that were called, in order."""
        return [call.path for call in self.calls]

    def hold(self, answered: int) -> None:
        """Let all calls after the first ones wait until `held` is set."""
        self.answered = answered
        self.held.clear()

    def start(self) -> None:
        """Listen on a free port."""
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length)
                try:
                    body = json.loads(raw) if raw else None
                except ValueError:
                    body = raw.decode("utf-8", "replace")
                recorder.calls.append(
                    Call(self.command, self.path, body, dict(self.headers), time.monotonic())
                )
                if len(recorder.calls) > recorder.answered:
                    recorder.held.wait(60)
                if recorder.delay_seconds:
                    time.sleep(recorder.delay_seconds)
                answer = json.dumps({"path": self.path}).encode("utf-8")
                self.send_response(recorder.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_DELETE = _answer

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that was killed is part of the test."""

        self._server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        assert self._server is not None
        self.held.set()
        self._server.shutdown()
        self._server.server_close()
