"""What the parts of a client ask of it: to send a request."""

from __future__ import annotations

from typing import TypeVar

from weft.requests import Request

T = TypeVar("T")


class Sender:
    """What sends a request; `Client` says how."""

    def _send(self, call: Request[T], attempts: int | None = None) -> T:
        raise NotImplementedError


class AsyncSender:
    """What sends a request, asynchronously; `AsyncClient` says how."""

    async def _send(self, call: Request[T], attempts: int | None = None) -> T:
        raise NotImplementedError
