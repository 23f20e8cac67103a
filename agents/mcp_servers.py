"""Talks with MCP servers through the egress guard. Imported only when one is called.

A server is asked once for each call: a connection, the protocol's beginning, the call. Its list of
tools is kept for a minute, for the tenant and what it logs in with. Whatever a server says is data.
"""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import mcp_types
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from agents.api_parameters import BearerAuth, OAuth2Auth
from agents.api_request import login
from agents.container_network import open_door
from agents.container_parameters import ContainerParameters
from agents.egress import split_url
from agents.errors import AgentError
from agents.mcp import McpParameters
from agents.mcp_transport import LoginRefused, Watched
from agents.services import Services
from compiler.check_schemas import schema_errors, validator

# It logs whole URLs and what servers say, in which there may be secrets.
logging.getLogger("mcp").setLevel(logging.CRITICAL)

KEPT_SECONDS = 60.0
"""How long a server's list of tools is kept."""
KEPT_LISTS = 500
MOST_PAGES = 20
"""How many pages of a list are read."""
_ERROR_CHARACTERS = 2_000
_FINAL_CODES = frozenset(
    {mcp_types.INVALID_PARAMS, mcp_types.INVALID_REQUEST, mcp_types.METHOD_NOT_FOUND}
)
_Key = tuple[UUID, str, str]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a server says of itself: its name, and its tools by theirs."""

    server: str = ""
    tools: dict[str, Any] = field(default_factory=dict)


class McpServers:
    """The MCP servers that workflows name.

    Args:
        services: What agents share: connections, access tokens, containers.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._egress = services.egress
        self._kept: OrderedDict[_Key, tuple[float, _Listing]] = OrderedDict()

    async def tools(self, parameters: McpParameters, tenant_id: UUID) -> dict[str, Any]:
        """Return a server's name as `server`, and its `tools`.

        Raises:
            AgentError: The server refuses (final) or does not answer (retryable).
        """
        listing = await self._listing(parameters, tenant_id)
        return {"server": listing.server, "tools": list(listing.tools.values())}

    async def tool(self, parameters: McpParameters, tenant_id: UUID) -> Any:
        """Return what is known of the tool that is named.

        Raises:
            AgentError: See `tools`; or there is no such tool.
        """
        tools = self._known(_key(parameters, tenant_id))
        if parameters.tool not in tools:
            tools = (await self._listing(parameters, tenant_id)).tools
        return _one_of(tools, parameters)

    async def call(self, parameters: McpParameters, tenant_id: UUID, key: str) -> dict[str, Any]:
        """Call a tool once; return what it gives.

        Raises:
            AgentError: See `agents.mcp.Mcp.run`.
        """
        place = _key(parameters, tenant_id)
        return await self._logged_in(
            parameters, tenant_id, lambda known: self._called(known, place, key)
        )

    async def _listing(self, parameters: McpParameters, tenant_id: UUID) -> "_Listing":
        place = _key(parameters, tenant_id)

        async def listed(known: McpParameters) -> _Listing:
            async with self._session(known) as client:
                return await self._list(client, place)

        return await self._logged_in(parameters, tenant_id, listed)

    async def _logged_in(
        self,
        parameters: McpParameters,
        tenant_id: UUID,
        work: Callable[[McpParameters], Awaitable[T]],
    ) -> T:
        """Do something with the access token that client credentials ask for, where they do.

        A token that holds no more is asked for anew, once.
        """
        auth = parameters.auth
        if not isinstance(auth, OAuth2Auth):
            return await work(parameters)
        http, tokens = await self._services.http(), await self._services.tokens()
        token, is_new = await tokens.get(http, tenant_id, auth)
        try:
            return await work(_bearing(parameters, token))
        except LoginRefused:
            if is_new:
                raise
        token, _ = await tokens.get(http, tenant_id, auth, refused=token)
        return await work(_bearing(parameters, token))

    async def _called(self, parameters: McpParameters, place: _Key, key: str) -> dict[str, Any]:
        async with self._session(parameters, key) as client:
            tools = self._known(place)
            fault = _fault(tools, parameters)
            if fault is not None:
                # It may have changed since it was listed.
                tools = (await self._list(client, place)).tools
                if fault := _fault(tools, parameters):
                    raise fault
            try:
                result = await _call(client, parameters)
            except MCPError as error:
                if error.code != mcp_types.HEADER_MISMATCH:
                    raise
                # Some tools want arguments repeated in headers; which, this session has to hear.
                await self._list(client, place)
                result = await _call(client, parameters)
        output = _output(result)
        if result.is_error:
            text = output["text"][:_ERROR_CHARACTERS] or "it does not say why"
            raise AgentError(f"The MCP tool {parameters.tool} failed: {text}")
        return output

    def _known(self, key: _Key) -> dict[str, Any]:
        kept_at, listing = self._kept.get(key, (0.0, _Listing()))
        return listing.tools if time.monotonic() - kept_at < KEPT_SECONDS else {}

    async def _list(self, client: Client, key: _Key) -> "_Listing":
        listing = _Listing(client.server_info.name if client.server_info else "")
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="refresh")
            listing.tools.update((tool.name, _told(tool)) for tool in page.tools)
            cursor = page.next_cursor
            if not cursor:
                break
        self._kept[key] = (time.monotonic(), listing)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_LISTS:
            self._kept.popitem(last=False)
        return listing

    @asynccontextmanager
    async def _session(self, parameters: McpParameters, key: str = "") -> AsyncIterator[Client]:
        """Connect to a server, and say in our words what goes wrong with it.

        Raises:
            AgentError: The server refuses (final) or does not answer (retryable).
        """
        if parameters.url is not None:
            split_url(parameters.url)
        watched = Watched(
            self._egress.transport(),
            self._egress.max_response_bytes,
            listens=parameters.transport == "sse",
        )
        seconds = parameters.timeout
        try:
            async with asyncio.timeout(seconds):
                async with self._client(parameters, watched, key) as client:
                    watched.fault = None
                    yield client
        except TimeoutError as error:
            raise watched.fault or AgentError(
                f"The MCP server at {_host(parameters)} did not answer within {seconds:g} s.",
                retryable=True,
            ) from error
        except Exception as error:
            own = _first_cause(error)
            if isinstance(own, AgentError):
                raise own from error
            raise watched.fault or _failure(own, parameters) from error

    @asynccontextmanager
    async def _client(
        self, parameters: McpParameters, watched: Watched, key: str
    ) -> AsyncIterator[Client]:
        if parameters.container is not None:
            async with self._contained(parameters.container, parameters.timeout, key) as client:
                yield client
            return
        url, headers = _address(parameters, key)

        def http_client(
            headers: dict[str, Any] | None = None,
            timeout: httpx2.Timeout | None = None,
            auth: httpx2.Auth | None = None,
        ) -> httpx2.AsyncClient:
            return httpx2.AsyncClient(
                transport=watched,
                trust_env=False,
                timeout=httpx2.Timeout(self._egress.timeout_seconds, read=parameters.timeout),
                headers={
                    "User-Agent": "weft/0.1",
                    "Accept-Encoding": "identity",
                    **(headers or {}),
                },
                auth=auth,
            )

        if parameters.transport == "sse":
            opened = sse_client(url, headers, httpx_client_factory=http_client)
            async with Client(opened, cache=None) as client:
                yield client
            return
        async with http_client(headers) as http:
            opened = streamable_http_client(
                url, http_client=http, max_sse_event_size=self._egress.max_response_bytes
            )
            async with Client(opened, cache=None) as client:
                yield client

    @asynccontextmanager
    async def _contained(
        self, place: ContainerParameters, seconds: float, key: str
    ) -> AsyncIterator[Client]:
        # Importing the engine's client takes a while, and most servers need none.
        from agents.containers import Contained  # noqa: PLC0415
        from agents.mcp_container import container_streams  # noqa: PLC0415

        containers = await self._services.containers()
        url = self._services.settings.containers_url
        async with (
            open_door(self._egress, url, place.hosts) as door,
            containers.talking(Contained(place, seconds, key or "mcp", door)) as talk,
            Client(container_streams(talk), cache=None) as client,
        ):
            yield client


async def _call(client: Client, parameters: McpParameters) -> mcp_types.CallToolResult:
    """Call a tool; the library's own call would check the result by patterns without a bound."""
    arguments = mcp_types.CallToolRequestParams(
        name=str(parameters.tool), arguments=parameters.arguments
    )
    request = mcp_types.CallToolRequest(params=arguments)
    return await client.session.send_request(request, mcp_types.CallToolResult)


def _bearing(parameters: McpParameters, token: str) -> McpParameters:
    return parameters.model_copy(update={"auth": BearerAuth(type="bearer", token=token)})


def _told(tool: mcp_types.Tool) -> dict[str, Any]:
    hints = tool.annotations
    return {
        "name": tool.name,
        "description": tool.description or "",
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
        "read_only": bool(hints and hints.read_only_hint),
    }


def _first_cause(error: BaseException) -> BaseException:
    """Return an error itself, out of the groups that the library's tasks put it into."""
    return _first_cause(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _failure(cause: BaseException, parameters: McpParameters) -> AgentError:
    told = str(cause)[:_ERROR_CHARACTERS] or type(cause).__name__
    if isinstance(cause, MCPError):
        return AgentError(
            f"The MCP server at {_host(parameters)} refuses: {cause.message[:_ERROR_CHARACTERS]}.",
            retryable=cause.code not in _FINAL_CODES,
        )
    if isinstance(cause, ValidationError | ValueError):
        return AgentError(f"{_host(parameters)} does not speak MCP as it should: {told}")
    return AgentError(
        f"The MCP server at {_host(parameters)} does not answer: {told}.", retryable=True
    )


def _host(parameters: McpParameters) -> str:
    """Name a server without what its address may hold beside the host."""
    if parameters.container is not None:
        return parameters.container.image
    return str(urlsplit(parameters.url or "").hostname)


def _address(parameters: McpParameters, key: str) -> tuple[str, dict[str, str]]:
    """Return a server's address and the headers of each request to it."""
    url, headers = (parameters.url or "").strip(), dict(parameters.headers)
    if key:
        headers.setdefault("Idempotency-Key", key)
    own_headers, own_query = login(parameters.auth)
    if own_query:
        url = str(httpx2.URL(url).copy_merge_params(own_query))
    return url, headers | own_headers


def _key(parameters: McpParameters, tenant_id: UUID) -> _Key:
    """Name a list of tools: what one login may see another may not."""
    login = repr((parameters.headers, parameters.auth, parameters.transport))
    place = parameters.url or repr(parameters.container)
    return tenant_id, place, hashlib.sha256(login.encode()).hexdigest()


def _one_of(tools: Mapping[str, Any], parameters: McpParameters) -> Any:
    if parameters.tool is None or parameters.tool not in tools:
        names = ", ".join(list(tools)[:50]) or "none"
        raise AgentError(
            f"The MCP server at {_host(parameters)} has no tool {parameters.tool}.",
            remedy=f"There are: {names}.",
        )
    return tools[parameters.tool]


def _fault(tools: Mapping[str, Any], parameters: McpParameters) -> AgentError | None:
    """Return what is wrong with a call before it is made; None: nothing."""
    try:
        schema = _one_of(tools, parameters)["input_schema"]
        faults = schema_errors(validator(schema), parameters.arguments)
    except AgentError as error:
        return error
    except ValueError as error:
        return AgentError(f"The schema of the MCP tool {parameters.tool} is none: {error}")
    if not faults:
        return None
    place = f"arguments.{faults[0].path}".rstrip(".")
    return AgentError(f"{place}: {faults[0].message}", remedy=faults[0].remedy)


def _output(result: mcp_types.CallToolResult) -> dict[str, Any]:
    texts: list[str] = []
    images: list[dict[str, str]] = []
    resources: list[Any] = []
    for block in result.content:
        match block:
            case mcp_types.TextContent(text=text):
                texts.append(text)
            case mcp_types.ImageContent(data=data, mime_type=mime_type):
                images.append({"mime_type": mime_type, "base64": data})
            case _:
                resources.append(block.model_dump(mode="json", by_alias=True, exclude_none=True))
    return {
        "text": "\n".join(texts),
        "structured": result.structured_content,
        "images": images,
        "resources": resources,
    }
