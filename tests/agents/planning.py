"""What the planner's tests share: a description, its right answer, and settings of a chain."""

import copy
from typing import Any

from pydantic import SecretStr

from agents.planner_prompt import EXAMPLE, EXAMPLE_TEXT
from agents.settings import AgentSettings
from tests.agents.model_server import Format, ModelServer

TEXT = EXAMPLE_TEXT
NAMES = {"openai": "openai:gpt-6.1-terra", "anthropic": "claude-sonnet"}
MODELS = {"openai": "gpt-6.1-terra", "anthropic": "claude-sonnet-5-5"}
OTHER: dict[Format, Format] = {"openai": "anthropic", "anthropic": "openai"}


def right(**changes: Any) -> dict[str, Any]:
    """The right answer to the description, with changes."""
    return {**copy.deepcopy(dict(EXAMPLE)), **changes}


def with_parameters(node_id: str, **parameters: Any) -> dict[str, Any]:
    """The right answer but for parameters of one node."""
    answer = right()
    [node] = [node for node in answer["nodes"] if node["id"] == node_id]
    node["parameters"] |= parameters
    return answer


def settings_of(server: ModelServer) -> AgentSettings:
    """Settings whose providers are the server; loopback itself is closed to agents."""
    return AgentSettings(
        openai_api_key=SecretStr("sk-test"),
        openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr("sk-ant"),
        anthropic_base_url=server.anthropic_url,
    )
