"""Names for the identifiers that travel between layers."""

from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
OrganizationId = NewType("OrganizationId", UUID)
UserId = NewType("UserId", UUID)
WorkflowId = NewType("WorkflowId", UUID)
ExecutionId = NewType("ExecutionId", UUID)
NodeId = NewType("NodeId", str)
