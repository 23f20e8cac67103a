"""Bounds and headers that hold for every request."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.problems import BodyTooLarge, as_api_error, problem_response

BODY_LIMIT_BYTES = 4 * 1024 * 1024
"""The largest request body; a specification's text may have 1 MiB."""

_CONTENT_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


class Bounded:
    """ASGI middleware: refuses large bodies before they are read whole, adds security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = _with_headers(send)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > BODY_LIMIT_BYTES:
            answer = problem_response(as_api_error(BodyTooLarge(BODY_LIMIT_BYTES)))
            await answer(scope, receive, secure)
            return
        read_bytes = 0

        async def bounded() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > BODY_LIMIT_BYTES:
                raise BodyTooLarge(BODY_LIMIT_BYTES)
            return message

        await self._app(scope, bounded, secure)


def _with_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return add
