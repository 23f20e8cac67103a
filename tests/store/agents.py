"""Custom agents to be registered."""

from typing import Any

from store.custom_agents import NewAgent
from tests.factories import Account


def new_agent(account: Account, name: str = "greeter", **values: Any) -> NewAgent:
    """Return an agent that an account registers."""
    principal = account.principal
    defaults: dict[str, Any] = {
        "tenant_id": account.tenant_id,
        "organization_id": principal.organization_id,
        "user_id": principal.user_id,
        "agent_name": name,
        "description": "Greets somebody.",
        "tool_specification": {"parameters": {"type": "object", "properties": {}}, "returns": {}},
        "implementation": {"type": "python_function", "code": "def execute():\n    return 1"},
        "may_replace": False,
    }
    return NewAgent(**{**defaults, **values})
