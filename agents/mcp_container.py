"""MCP servers that are programs: JSON lines on the standard streams of a container.

The format is the protocol's transport `stdio`: one message a line, and nothing else on standard
output.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import mcp_types
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage

from agents.container_talk import Talk


@asynccontextmanager
async def container_streams(talk: Talk) -> AsyncIterator[TransportStreams]:
    """Give the streams over which the protocol's library speaks with a program."""
    to_client, from_server = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_server, from_client = anyio.create_memory_object_stream[SessionMessage](0)

    async def hear() -> None:
        pending = b""
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while piece := await talk.read():
                *lines, pending = (pending + piece).split(b"\n")
                for line in filter(bytes.strip, lines):
                    await to_client.send(_message(line))
        await to_client.aclose()

    async def say() -> None:
        async for one in from_client:
            text = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            talk.send(text.encode() + b"\n")

    async with to_client, from_server, to_server, from_client, anyio.create_task_group() as group:
        group.start_soon(hear)
        group.start_soon(say)
        try:
            yield from_server, to_server
        finally:
            group.cancel_scope.cancel()


def _message(line: bytes) -> SessionMessage | Exception:
    try:
        return SessionMessage(mcp_types.jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        # The session says what it makes of it.
        return error
