"""Compressed answers, unpacked piece by piece so that a small one cannot grow without bound."""

import zlib
from collections.abc import AsyncIterator

import httpx2

from agents.errors import AgentError

_PIECE_BYTES = 256 * 1024


async def unpacked(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Give an answer's body in pieces of bounded size; whoever reads may stop at any of them.

    Raises:
        AgentError: It is compressed twice, in another way than was asked for, or brokenly.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        async for raw in response.aiter_raw():
            yield raw
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise AgentError(
            f"{response.url} answers in a compression that is not read: {encoding[:100]}.",
            remedy="Ask for gzip, deflate or an answer that is not compressed.",
        )
    inflater: zlib._Decompress | None = None
    try:
        async for raw in response.aiter_raw():
            inflater = inflater or zlib.decompressobj(_window(encoding, raw))
            while raw:
                yield inflater.decompress(raw, _PIECE_BYTES)
                raw = inflater.unconsumed_tail
        while inflater and (rest := inflater.decompress(b"", _PIECE_BYTES)):
            yield rest
    except zlib.error as error:
        raise AgentError(f"{response.url} answers with broken {encoding} data.") from error


def _window(encoding: str, start: bytes) -> int:
    """The form of the data: gzip's, or for deflate zlib's or (as some servers send it) bare."""
    if encoding != "deflate":
        return zlib.MAX_WBITS | 16
    return zlib.MAX_WBITS if start[0] & 0x0F == 8 else -zlib.MAX_WBITS
