"""Bounds and headers that hold for every request."""

from collections.abc import AsyncIterator

import httpx
import pytest

from serve.limits import BODY_LIMIT_BYTES
from serve.problems import MEDIA_TYPE

CREATE = "/api/v1/workflows/create"
JSON = {"content-type": "application/json"}


async def streamed(total_bytes: int, sent: list[int] | None = None) -> AsyncIterator[bytes]:
    """Send so many bytes of JSON text in parts, without saying how many."""
    part = b" " * 65_536
    for begun in range(0, total_bytes, len(part)):
        if sent is not None:
            sent.append(begun)
        yield part[: total_bytes - begun]


def refuses_size(answer: httpx.Response) -> bool:
    """Whether the answer is that the body is too large."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["remedy"]
    return answer.status_code == 413


async def test_a_body_that_says_its_size_is_refused_unread(api: httpx.AsyncClient) -> None:
    """What is declared too large is not read at all."""
    sent: list[int] = []
    headers = {**JSON, "content-length": str(BODY_LIMIT_BYTES + 1)}
    content = streamed(BODY_LIMIT_BYTES + 1, sent)
    assert refuses_size(await api.post(CREATE, headers=headers, content=content))
    assert len(sent) <= 1


async def test_a_body_that_grows_is_refused(api: httpx.AsyncClient) -> None:
    """What is sent in parts is refused when it passes the limit."""
    content = streamed(BODY_LIMIT_BYTES + 1)
    assert refuses_size(await api.post(CREATE, headers=JSON, content=content))


async def test_a_body_of_the_limit_is_read(api: httpx.AsyncClient) -> None:
    """The last byte that is allowed is allowed."""
    body = b'{"description": ""}'
    content = body + b" " * (BODY_LIMIT_BYTES - len(body))
    assert (await api.post(CREATE, headers=JSON, content=content)).status_code == 422


@pytest.mark.parametrize("length", ["-1", "many", "1e3", ""])
async def test_a_strange_length_is_refused(api: httpx.AsyncClient, length: str) -> None:
    """A length that is no number is not trusted."""
    headers = {**JSON, "content-length": length}
    assert refuses_size(await api.post(CREATE, headers=headers, content=streamed(2)))


@pytest.mark.parametrize("path", ["/", "/health", "/api/v1/workflows", "/nothing", CREATE])
async def test_every_answer_has_the_security_headers(
    anonymous: httpx.AsyncClient, path: str
) -> None:
    """Pages, answers and errors: no foreign scripts, no frames, no guessing of types."""
    answer = await anonymous.get(path)
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'self'", "script-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


async def test_pages_are_checked_for_an_upgrade(anonymous: httpx.AsyncClient) -> None:
    """A browser may keep the dashboard's files but asks whether they are still the same."""
    page = await anonymous.get("/")
    assert page.headers["cache-control"] == "no-cache"
    again = await anonymous.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
