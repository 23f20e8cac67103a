"""Routes on agents: which there are, and what each one takes and does."""

import asyncio

from fastapi import APIRouter, Response

from agents.catalog.described import described, summaries
from serve import agent_answers
from serve.answers import json_answer
from serve.context import Caller, Shared
from serve.custom_agent_routes import custom_document, get_agent_of

router = APIRouter(prefix="/api/v1/agents", tags=["agents"])


@router.get("", responses={200: {"model": agent_answers.AgentList}})
async def list_agents(context: Shared, caller: Caller) -> Response:
    """List the agents that a node may name, by group and service."""
    # The first time all files of the catalog are read.
    found = await asyncio.to_thread(summaries, context.signatures)
    return json_answer({"agents": found, "total": len(found)})


@router.get("/{name}", responses={200: {"model": agent_answers.Agent}})
async def get_agent(name: str, context: Shared, caller: Caller) -> Response:
    """Return one agent with the schema of its parameters."""
    signature = context.signatures.get(name)
    if signature is not None:
        return json_answer({**described(signature), "custom": None})
    agent = await get_agent_of(context, caller, name)
    signatures = await context.agents.signatures_for(caller.tenant_id, [name])
    own = {"title": agent.agent_name.replace("_", " ").capitalize(), "group": "custom"}
    return json_answer({**described(signatures[name]), **own, "custom": custom_document(agent)})
