"""Routes on agents: which there are, and what each one takes and does."""

import asyncio

from fastapi import APIRouter, Response

from agents.catalog.described import described, summaries
from serve import agent_answers
from serve.answers import json_answer
from serve.context import Caller, Shared
from store.errors import NotFound

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
    if signature is None:
        raise NotFound("agent", name)
    return json_answer(described(signature))
