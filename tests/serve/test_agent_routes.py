"""Agents by HTTP and by `weft agents`: which there are, and what each one takes."""

import json

import httpx
import pytest

from agents.registry import builtin_registry
from serve import agent_answers
from tests.serve.shapes import fits
from tests.serve.terminal import Weft

AGENTS = "/api/v1/agents"


@pytest.mark.requirement("FR-3.1", "API.1")
async def test_agents_are_listed(api: httpx.AsyncClient) -> None:
    """A list says of each what it is for, what it does outside and what it costs."""
    answer = (await api.get(AGENTS)).json()
    fits(agent_answers.AgentList, answer)
    names = [agent["name"] for agent in answer["agents"]]
    assert sorted(names) == list(builtin_registry().names())
    assert answer["total"] == len(names)
    assert names.index("api") < names.index("slack_post_message")
    slack = answer["agents"][names.index("slack_post_message")]
    assert (slack["group"], slack["side_effect"], slack["cost_class"]) == (
        "messaging", "sends", "free",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["slack_post_message", "api", "postgres_list_tables"])
async def test_an_agent_is_shown_whole(api: httpx.AsyncClient, name: str) -> None:
    """One agent has the schema of its parameters, its hosts and an example."""
    answer = (await api.get(f"{AGENTS}/{name}")).json()
    fits(agent_answers.Agent, answer)
    assert answer["parameters"]["properties"]
    if name == "slack_post_message":
        assert answer["hosts"] == ["slack.com"]
        assert answer["example"]["parameters"]["token"] == "{secrets.slack_token}"


async def test_an_agent_that_is_not_there_is_not_found(api: httpx.AsyncClient) -> None:
    """Its name is no path either."""
    assert (await api.get(f"{AGENTS}/nothing")).status_code == 404
    assert (await api.get(f"{AGENTS}/..%2Fentry")).status_code == 404


async def test_agents_are_listed_and_shown_on_the_terminal(weft: Weft) -> None:
    """`weft agents` lists them, or those of a group, and shows one with its parameters."""
    listed = (await weft("agents")).out
    assert "slack_post_message" in listed
    crm = (await weft("agents", "--group", "crm")).out
    assert "hubspot_create_contact" in crm
    assert "slack_post_message" not in crm
    shown = (await weft("agents", "slack_post_message")).out
    assert "channel  string, required" in shown
    assert "{secrets.slack_token}" in shown
    document = json.loads((await weft("agents", "api", "--json")).out)
    assert document["name"] == "api"
    assert (await weft("agents", "nothing")).code == 1
