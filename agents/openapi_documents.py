"""OpenAPI documents: read in bounds, fetched through the guard, remembered for a while."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import httpx2
import jsonschema_rs
import orjson
import yaml

from agents.errors import AgentError
from agents.exchange import Request, fetch
from agents.openapi import Operation, operation_of
from agents.openapi_schemas import OpenApiError
from agents.waiting import BUSY, retry_after_seconds
from compiler.check_schemas import validator

LARGEST_BYTES = 16 * 1024 * 1024
LARGEST_YAML_BYTES = 4 * 1024 * 1024
_LEVELS = 100
_TOO_DEEP = f"The OpenAPI document is nested more than {_LEVELS} levels deep."
_VALUES = 3_000_000
"""How many values a document may hold, each counted as often as it is named."""
_KEPT_SECONDS = 300.0
_MOST_DOCUMENTS = 8
_MOST_OPERATIONS = 200
_FETCH_SECONDS = 30.0
_OK = 200
_NO_ENTRY = (401, 403)
Login = tuple[dict[str, str], dict[str, str]]
"""The headers and the query that log a request in."""
NO_LOGIN: Login = ({}, {})
T = TypeVar("T")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(text: str | bytes) -> dict[str, Any]:
    """Read a document in JSON or YAML.

    Raises:
        OpenApiError: It is neither, too large, or names itself so often that it is.
    """
    content = text.encode("utf-8", "replace") if isinstance(text, str) else text
    if len(content) > LARGEST_BYTES:
        raise OpenApiError(f"The OpenAPI document has more than {LARGEST_BYTES} bytes.")
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = _read_yaml(content)
    if not isinstance(found, dict):
        raise OpenApiError("The OpenAPI document is no object.")
    _measure(found, {}, _LEVELS)
    return found


def _read_yaml(content: bytes) -> Any:
    if len(content) > LARGEST_YAML_BYTES:
        raise OpenApiError(
            f"The OpenAPI document has more than {LARGEST_YAML_BYTES} bytes of YAML.",
            remedy="Give it as JSON.",
        )
    try:
        # Event by event first: the loader goes down by recursion in C, which ends the process.
        level = 0
        for event in yaml.parse(content, _LOADER):
            level += isinstance(event, yaml.CollectionStartEvent)
            level -= isinstance(event, yaml.CollectionEndEvent)
            if level > _LEVELS:
                raise OpenApiError(_TOO_DEEP)
        # CSafeLoader, where libyaml is there, else SafeLoader: both make plain values only.
        return yaml.load(content, _LOADER)  # noqa: S506
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise OpenApiError(f"The OpenAPI document is no JSON or YAML: {str(error)[:300]}") from None


def _measure(value: Any, known: dict[int, int], levels: int) -> int:
    """Return how many values there are in a value, with those of aliases written out.

    Raises:
        OpenApiError: They are too many, too deep, or a value holds itself.
    """
    if not isinstance(value, dict | list):
        return 1
    if id(value) in known:
        size = known[id(value)]
        if size < 0:
            raise OpenApiError("The OpenAPI document has a value that holds itself.")
        return size
    if not levels:
        raise OpenApiError(_TOO_DEEP)
    known[id(value)] = -1
    size = 1
    for one in value.values() if isinstance(value, dict) else value:
        size += _measure(one, known, levels - 1)
        if size > _VALUES:
            raise OpenApiError(f"The OpenAPI document holds more than {_VALUES} values.")
    known[id(value)] = size
    return size


@dataclass(frozen=True, slots=True)
class Described:
    """An operation with what checks its arguments."""

    operation: Operation
    validator: jsonschema_rs.Validator


class Documents:
    """The documents and operations of one process that were used lately."""

    def __init__(self) -> None:
        self._documents = _Kept[Mapping[str, Any]](_MOST_DOCUMENTS)
        self._operations = _Kept[Described](_MOST_OPERATIONS)

    async def operation(
        self,
        client: httpx2.AsyncClient,
        tenant_id: UUID,
        source: str | Mapping[str, Any],
        wanted: str,
        server_url: str | None,
        log_in: Callable[[], Awaitable[Login]] | None = None,
    ) -> Described:
        """Return an operation of a document.

        Args:
            client: A guarded client.
            tenant_id: Who asks; nobody is given what another one's address answered.
            source: The document, its text, or its URL.
            wanted: The operation.
            server_url: Where it is called, instead of the document's own servers.
            log_in: Gives what a document by URL is asked for with.

        Raises:
            OpenApiError: The document or the operation cannot be used.
            AgentError: The document cannot be fetched.
        """
        url = source.strip() if isinstance(source, str) and is_url(source) else None
        content = (
            source
            if isinstance(source, str)
            else orjson.dumps(source, option=orjson.OPT_NON_STR_KEYS)
        )
        text = content.encode("utf-8", "replace") if isinstance(content, str) else content
        login: Login = await log_in() if log_in is not None and url is not None else NO_LOGIN
        # Whoever logs in otherwise may be shown another document.
        text += orjson.dumps(login) if login != NO_LOGIN else b""
        key = f"{tenant_id} {hashlib.sha256(text).hexdigest()}"
        called = f"{key} {server_url} {wanted}"
        if described := self._operations.get(called):
            return described
        document = self._documents.get(key)
        if document is None:
            found = content if url is None else await _fetched(client, url, login)
            document = await asyncio.to_thread(read_document, found)
            self._documents.put(key, document)
        described = await asyncio.to_thread(_described, document, wanted, server_url, url)
        self._operations.put(called, described)
        return described


def is_url(source: str) -> bool:
    """Whether a text says where a document is, rather than what is in it."""
    return source.lstrip().lower().startswith(("http://", "https://"))


def _described(
    document: Mapping[str, Any], wanted: str, server_url: str | None, document_url: str | None
) -> Described:
    operation = operation_of(document, wanted, server_url=server_url, document_url=document_url)
    schema = dict(operation.parameters)
    # A node logs in by `auth` as well; who does not log in is told so by the service.
    schema["required"] = [n for n in schema["required"] if n not in operation.secrets]
    try:
        return Described(operation, validator(schema))
    except ValueError as error:
        raise OpenApiError(f"The schema of {wanted[:100]} cannot be used: {error}.") from error


async def _fetched(client: httpx2.AsyncClient, url: str, login: Login) -> bytes:
    headers, query = login
    request = Request("GET", url, headers, query, timeout_seconds=_FETCH_SECONDS)
    try:
        answer = await fetch(client, request, max_bytes=LARGEST_BYTES)
    except httpx2.HTTPError as error:
        raise AgentError(
            f"The OpenAPI document at {url[:200]} cannot be fetched: {type(error).__name__}.",
            retryable=True,
        ) from error
    if answer.status_code != _OK:
        raise AgentError(
            f"The OpenAPI document at {url[:200]} answers {answer.status_code}.",
            retryable=answer.status_code in BUSY,
            retry_after_seconds=retry_after_seconds(answer.headers),
            remedy="Give `document_auth`, how the document is asked for."
            if answer.status_code in _NO_ENTRY
            else "",
        )
    return answer.content


class _Kept(Generic[T]):
    """Values that are forgotten after a while, or when there are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def get(self, key: str) -> T | None:
        """Return a value that is not too old."""
        until, value = self._values.get(key, (0.0, None))
        return value if time.monotonic() < until else None

    def put(self, key: str, value: T) -> None:
        """Keep a value."""
        self._values[key] = (time.monotonic() + _KEPT_SECONDS, value)
        self._values.move_to_end(key)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
