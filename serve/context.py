"""What the API's routes share, and who is calling."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, WebSocket

from actors.custom_agents import CustomAgents
from compiler.signature import AgentSignature
from compiler.specification import Specification
from compiler.workers import agent_names
from serve.api_config import ApiConfig
from serve.endings import Endings
from serve.handover import Handover
from serve.identifiers import render
from serve.problems import ApiError
from serve.readings import Readings
from serve.startables import Startables
from serve.starter import Starter
from store.accounts import Principal, Principals
from store.live import LiveView
from store.postgres import Pool
from store.secrets_keyring import Keyring

COOKIE = "weft_session"
ROLES_THAT_WRITE = frozenset({"owner", "admin", "editor"})
ROLES_THAT_DELETE = frozenset({"owner", "admin"})


@dataclass(frozen=True, slots=True)
class Context:
    """What is opened once per replica."""

    config: ApiConfig
    pool: Pool
    live: LiveView
    handover: Handover
    starter: Starter
    startables: Startables
    endings: Endings
    readings: Readings
    principals: Principals
    keys: Keyring
    parser: Any
    """The handle of the parser deployment."""
    agents: CustomAgents
    """The agents of all organizations and each one's own."""

    @property
    def signatures(self) -> Mapping[str, AgentSignature]:
        """The agents that every organization has."""
        return self.agents.registry.signatures()

    async def signatures_for(
        self, tenant_id: UUID, *specifications: Specification
    ) -> Mapping[str, AgentSignature]:
        """Return the agents that every organization has, and the tenant's that are named."""
        names = [name for one in specifications for name in agent_names(one)]
        return await self.agents.signatures_for(tenant_id, names)


async def get_context(request: Request) -> Context:
    """Return what the routes share; FastAPI would call a plain function in a thread."""
    context: Context = request.app.state.context
    return context


Shared = Annotated[Context, Depends(get_context)]


async def get_principal(
    request: Request, x_tenant_id: Annotated[str | None, Header()] = None
) -> Principal:
    """Return who is calling, by bearer token or session cookie.

    Raises:
        ApiError: 401 without a valid token; 403 when `X-Tenant-ID` names another tenant, or a
            cookie comes from another site.
    """
    token = _bearer(request.headers.get("authorization"))
    if token is None and (token := request.cookies.get(COOKIE)):
        _refuse_other_sites(request)
    principal = await principal_of(request.app.state.context, token)
    if x_tenant_id is not None:
        require_same_organization(principal, x_tenant_id)
    return principal


Caller = Annotated[Principal, Depends(get_principal)]


async def principal_of(context: Context, token: str | None) -> Principal:
    """Return whose token it is.

    Raises:
        ApiError: 401 when it is missing or unknown.
    """
    principal = await context.principals.get(token) if token else None
    if principal is None:
        raise ApiError(
            401,
            "This call needs a valid token." if token else "This call needs a token.",
            "Send `Authorization: Bearer <token>`; the embedded platform keeps its token in "
            ".weft/token, and `weft token` prints it.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return principal


async def get_socket_principal(socket: WebSocket) -> Principal:
    """Return who opens a WebSocket.

    Raises:
        ApiError: As `get_principal`.
    """
    token = _bearer(socket.headers.get("authorization"))
    if token is None and (token := socket.cookies.get(COOKIE)):
        _refuse_other_sites(socket)
    return await principal_of(socket.app.state.context, token)


def _bearer(header: str | None) -> str | None:
    if header and header[:7].lower() == "bearer ":
        return header[7:].strip()
    return None


def _refuse_other_sites(connection: Request | WebSocket) -> None:
    """Refuse a cookie that another site's page makes the browser send."""
    origin = connection.headers.get("origin")
    if origin is not None and origin.split("//", 1)[-1] != connection.headers.get("host"):
        raise ApiError(403, "The session cookie only works from this site's own pages.")


def require_same_organization(principal: Principal, organization_id: str | None) -> None:
    """Refuse a request that names another organization than its token's.

    Raises:
        ApiError: 403.
    """
    allowed = {None, render("org", principal.organization_id), str(principal.organization_id)}
    if organization_id not in allowed:
        raise ApiError(
            403,
            "The token does not belong to that organization.",
            "Leave organization_id and X-Tenant-ID out, or use that organization's token.",
        )


def require_role(principal: Principal, roles: frozenset[str], action: str) -> None:
    """Refuse a caller whose role does not allow an action.

    Raises:
        ApiError: 403.
    """
    if principal.role not in roles:
        raise ApiError(403, f"The role {principal.role} may not {action}.",
                       "Ask an owner of the organization.")  # fmt: skip
