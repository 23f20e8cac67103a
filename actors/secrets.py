"""What `{secrets.x}` stands for when a node is tried: the operator's own and the tenant's.

The operator's come with the configuration and may go anywhere. A tenant's are opened for the
attempt that names them, and go only to the hosts that they were registered for.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from agents.bound import BoundSecret
from agents.errors import AgentError
from compiler.references import references_in
from store.egress import EgressLists
from store.postgres import UNREACHABLE, Connection, connect
from store.secrets import OpenSecret, Vault
from store.secrets_keyring import KeyPlace, Keyring
from store.secrets_sealing import SecretsUnavailable

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class VaultPlace:
    """Where tenants' secrets are, and what opens them."""

    database_url: str = field(repr=False)
    keys: KeyPlace


@dataclass(frozen=True, slots=True)
class Held:
    """What an attempt holds."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    bound: tuple[BoundSecret, ...] = ()
    """Those that go to some hosts only."""
    reachable: tuple[str, ...] | None = None
    """The only hosts that it may reach; None: every public one."""


NOTHING = Held()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where attempts of this process get secrets from."""

    operator: Mapping[str, str] = field(default_factory=dict, repr=False)
    vault: Vault | None = None
    """Opens tenants' secrets; None: they have none."""
    place: VaultPlace | None = None
    """What another process needs to open them."""
    lists: EgressLists | None = None
    """Which hosts tenants' workflows may reach; None: there is no such list."""

    async def hosts(self, tenant_id: UUID) -> tuple[str, ...] | None:
        """Return the hosts that a tenant's workflows may reach; None: every public one.

        Raises:
            AgentError: It is not known just now.
        """
        if self.lists is None:
            return None
        try:
            return await self.lists.hosts(tenant_id)
        except UNREACHABLE as error:
            raise AgentError(
                "Which hosts may be reached cannot be read just now.", retryable=True
            ) from error

    async def hold(self, tenant_id: UUID, names: Collection[str]) -> Held:
        """Open the secrets of these names; one that does not exist is left out.

        Raises:
            AgentError: One cannot be opened, or is the operator's and the tenant's.
        """
        if not names:
            return NOTHING
        opened: Mapping[str, OpenSecret] = {}
        if self.vault is not None:
            try:
                opened = await self.vault.open(tenant_id, names)
            except SecretsUnavailable as error:
                # Where the master key is, and what is wrong with it, is the operator's to know.
                log.error("secrets.unavailable", tenant=str(tenant_id), error=str(error))
                raise AgentError(
                    f"The secrets {', '.join(names)} cannot be opened on this platform just now.",
                    retryable=error.retryable,
                    remedy="Ask its operator; the log says more.",
                ) from None
            except UNREACHABLE as error:
                raise AgentError("The secrets cannot be read just now.", retryable=True) from error
        own = self.operators(names)
        for name in opened:
            if name in own:
                raise AgentError(
                    f"The secret `{name}` is the operator's and the organization's.",
                    remedy="Set the organization's under another name; what is left after "
                    f"`weft secrets delete {name}` is the operator's.",
                )
        bound = tuple(BoundSecret(one.name, one.hosts, one.value) for one in opened.values())
        return Held({**own, **{name: secret.value for name, secret in opened.items()}}, bound)

    def operators(self, names: Iterable[str]) -> dict[str, str]:
        """Return those of the operator's secrets that have these names."""
        return {name: self.operator[name] for name in names if name in self.operator}


def secret_names(parameters: Mapping[str, Any], code: frozenset[str]) -> tuple[str, ...]:
    """Return the secrets that a node's parameters name, each once.

    Args:
        parameters: As they are written.
        code: Places among them that hold code and are not templates.
    """
    names = (
        str(reference.path[0])
        for _, reference in references_in(parameters, code)
        if reference.root == "secrets" and reference.path
    )
    return tuple(dict.fromkeys(names))


def secrets_at(place: VaultPlace) -> Secrets:
    """Return what connects whenever it opens something: for processes that seldom do."""

    @asynccontextmanager
    async def connections() -> AsyncIterator[Connection]:
        connection = await connect(place.database_url, "weft_engine")
        try:
            yield connection
        finally:
            await connection.close()

    vault = Vault(connections, Keyring(place.keys))
    return Secrets({}, vault, place, EgressLists(connections))
