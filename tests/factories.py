"""What the factories of `tests/conftest.py` make, and the types of the factories themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from store.accounts import Principal
from store.executions import Started
from store.postgres import Role
from store.workflows import Workflow

ONE_NODE: dict[str, Any] = {
    "nodes": [{"id": "only", "agent": "data_processing", "parameters": {"data": "{input.text}"}}]
}
"""A workflow of one node that answers with its input's `text`."""


@dataclass(frozen=True, slots=True)
class Account:
    """An organization's owner and their token."""

    token: str
    principal: Principal

    @property
    def tenant_id(self) -> UUID:
        """Whose rows are theirs."""
        return self.principal.tenant_id


class MakeAccount(Protocol):
    """Makes an organization with its owner."""

    async def __call__(self, organization: str = "Acme") -> Account:
        """Make one; each call makes another."""
        ...


class MakeWorkflow(Protocol):
    """Stores a workflow."""

    async def __call__(
        self,
        specification: Mapping[str, Any] = ONE_NODE,
        account: Account | None = None,
        **fields: Any,
    ) -> Workflow:
        """Store one; `fields` are those of `NewWorkflow`, the account is the test's own."""
        ...


class StartExecution(Protocol):
    """Starts a workflow through the store."""

    async def __call__(
        self,
        workflow: Workflow,
        input: Mapping[str, Any] | None = None,
        owner_id: UUID | None = None,
        account: Account | None = None,
        **fields: Any,
    ) -> Started:
        """Start it; `fields` are those of `Start`."""
        ...


class Connect(Protocol):
    """Opens a connection to the shared database."""

    async def __call__(self, role: Role) -> asyncpg.Connection:
        """Open one; it is closed after the test."""
        ...
