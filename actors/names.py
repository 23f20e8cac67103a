"""How Ray's dashboard shows our actors and tasks."""

from uuid import UUID

NAMESPACE = "weft"
"""The Ray namespace of all actors of a platform."""


def execution_name(workflow_name: str, execution_id: UUID) -> str:
    """Return the name of the task that drives an execution."""
    return f"{workflow_name} exec_{execution_id.hex}"
