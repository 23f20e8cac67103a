"""Routes on the agents that an organization registers."""

import asyncio
from typing import Annotated, Any, Literal

import structlog
from fastapi import APIRouter, Path, Query, Response

from actors.custom_agents import split_name
from actors.trial import Trial
from agents.custom.build import definition_problems, named_agents
from agents.custom.definition import Definition
from agents.custom.imported import definitions_of
from agents.custom.mcp_tool import tool_definitions
from agents.openapi_schemas import OpenApiError
from compiler.errors import Problem, SpecificationError
from serve import agent_answers
from serve.answers import json_answer
from serve.context import (
    ROLES_THAT_DELETE,
    ROLES_THAT_WRITE,
    Caller,
    Context,
    Shared,
    require_role,
    require_same_organization,
)
from serve.documents import timestamp
from serve.identifiers import parse, render
from serve.problems import ApiError
from serve.requests import ChangeAgent, ImportAgents, McpServer, RegisterAgent, TryAgent
from store import custom_agents
from store.accounts import Principal
from store.custom_agents import AgentInfo, StoredAgent
from store.errors import Conflict

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1", tags=["agents"])

Name = Annotated[str, Path(max_length=110, description="What a node's `agent` says.")]
Status = Literal["active", "inactive", "deprecated"]
LIST_SECONDS = 60.0
"""How long an MCP server may take to list its tools."""


@router.post(
    "/workflows/agents/register",
    status_code=201,
    responses={
        200: {"model": agent_answers.RegisteredAgent, "description": "It says this already"},
        201: {"model": agent_answers.RegisteredAgent, "description": "A first or a new version"},
        409: {"description": "The name is another agent's"},
    },
)
async def register_agent(body: RegisterAgent, context: Shared, caller: Caller) -> Response:
    """Register an agent, or the next version of one; the same again changes nothing."""
    require_same_organization(caller, body.organization_id)
    require_role(caller, ROLES_THAT_WRITE, "register agents")
    definition = Definition.model_validate(body.model_dump(exclude={"organization_id"}))
    await _check(context, caller, definition)
    done = await _register(context, caller, definition)
    document = {
        **custom_summary(done.agent),
        "registered_at": timestamp(done.agent.updated_at),
        "outcome": done.outcome,
    }
    return json_answer(document, 200 if done.outcome == "unchanged" else 201)


async def _register(
    context: Context, caller: Principal, definition: Definition
) -> custom_agents.Registered:
    done = await custom_agents.register_agent(
        context.pool,
        custom_agents.NewAgent(
            tenant_id=caller.tenant_id,
            organization_id=caller.organization_id,
            user_id=caller.user_id,
            agent_name=definition.agent_name,
            description=definition.description,
            tool_specification=definition.tool_specification.model_dump(),
            implementation=definition.implementation.model_dump(mode="json", exclude_none=True),
            may_replace=caller.role in ROLES_THAT_DELETE,
        ),
    )
    context.agents.forget(caller.tenant_id, definition.agent_name)
    log.info(
        "agent.registered",
        tenant=render("org", caller.organization_id),
        name=definition.agent_name,
        version=done.agent.version,
        outcome=done.outcome,
    )
    return done


@router.post("/workflows/agents/import", responses={200: {"model": agent_answers.ImportedAgents}})
async def import_agents(body: ImportAgents, context: Shared, caller: Caller) -> Response:
    """Register an agent for each operation of an OpenAPI document, or each tool of an MCP server.

    What cannot be registered is told.
    """
    require_role(caller, ROLES_THAT_WRITE, "register agents")
    if body.mcp is not None:
        found = await _tools_of(context, caller, body, body.mcp)
    else:
        found = await _operations_of(body)
    told = [await _import(context, caller, id, one, dry_run=body.dry_run) for id, one in found]
    return json_answer({"agents": told})


async def _operations_of(body: ImportAgents) -> list[tuple[str, Definition | str]]:
    try:
        # Documents have megabytes.
        return await asyncio.to_thread(
            definitions_of,
            body.document or "",
            server_url=body.server_url,
            prefix=body.prefix,
            operations=body.operations,
            secrets=body.secrets,
        )
    except OpenApiError as error:
        raise ApiError(422, str(error), error.remedy) from error


async def _tools_of(
    context: Context, caller: Principal, body: ImportAgents, server: McpServer
) -> list[tuple[str, Definition | str]]:
    """Ask a server for its tools, as a node would: by an executor, through the egress guard."""
    place = server.model_dump(exclude_none=True)
    listing = {**place, "operation": "list_tools", "timeout": LIST_SECONDS}
    told = await _attempt(context, Trial(str(caller.tenant_id), "mcp", LIST_SECONDS, listing))
    if told["error"] is not None:
        raise ApiError(422, f"The tools of the MCP server were not listed: {told['error']}")
    try:
        return tool_definitions(
            told["output"],
            place,
            prefix=body.prefix,
            tools=body.operations,
            trust_hints=body.trust_hints,
        )
    except ValueError as error:
        raise ApiError(422, str(error)) from error


async def _import(
    context: Context, caller: Principal, id: str, found: Definition | str, *, dry_run: bool
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operation": id, "agent_name": None, "outcome": "refused", "reason": None,
        "parameters": None,
    }  # fmt: skip
    if isinstance(found, str):
        return {**told, "reason": found}
    told |= {"agent_name": found.agent_name, "parameters": found.tool_specification.parameters}
    try:
        await _check(context, caller, found)
        if dry_run:
            return {**told, "outcome": "found"}
        return {**told, "outcome": (await _register(context, caller, found)).outcome}
    except SpecificationError as error:
        return {**told, "reason": str(error.problems[0])}
    except (ApiError, Conflict) as error:
        return {**told, "reason": str(error)}


async def _check(context: Context, caller: Principal, definition: Definition) -> None:
    """Refuse what could not be used.

    Raises:
        ApiError: The name is taken by an agent that every organization has.
        SpecificationError: Something in it is wrong.
    """
    name = definition.agent_name
    if context.agents.registry.knows(name) or name == "custom":
        raise ApiError(409, f"There is an agent {name} that every organization has.",
                       "Choose another name.")  # fmt: skip
    named = named_agents(definition)
    agents = await context.agents.signatures_for(caller.tenant_id, named)
    problems = definition_problems(definition, agents)
    if any(split_name(one)[0] == name for one in named):
        problems.append(
            Problem("implementation.steps", "own_step", "A chain cannot be a step of itself.",
                    "Name other agents.")
        )  # fmt: skip
    if problems:
        raise SpecificationError(problems)


@router.get("/agents/custom", responses={200: {"model": agent_answers.CustomAgentPage}})
async def list_custom_agents(
    context: Shared,
    caller: Caller,
    status: Status | None = None,
    owner_id: str | None = None,
    text: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """List the organization's own agents by name; `text` is a part of name or description."""
    found, total = await custom_agents.list_agents(
        context.pool,
        caller.tenant_id,
        status=status,
        owner_id=parse("user", owner_id) if owner_id else None,
        text=text,
        limit=limit,
        offset=offset,
    )
    return json_answer({"agents": [custom_summary(one) for one in found], "total": total})


@router.get("/agents/{name}/versions", responses={200: {"model": agent_answers.AgentVersions}})
async def list_agent_versions(name: Name, context: Shared, caller: Caller) -> Response:
    """List the versions of one of the organization's own agents, the last first."""
    found = await custom_agents.list_agent_versions(context.pool, caller.tenant_id, name)
    versions = [
        {
            "version": one.version,
            "description": one.description,
            "type": one.implementation_type,
            "created_by": render("user", one.created_by),
            "created_at": timestamp(one.created_at),
        }
        for one in found
    ]
    return json_answer({"agent_name": name, "versions": versions})


@router.patch("/agents/{name}", responses={200: {"model": agent_answers.CustomAgent}})
async def change_agent(name: Name, body: ChangeAgent, context: Shared, caller: Caller) -> Response:
    """Change the status, the owner or the current version of one of the organization's agents."""
    require_role(caller, ROLES_THAT_WRITE, "change agents")
    agent = await custom_agents.change_agent(
        context.pool,
        caller.tenant_id,
        caller.user_id,
        name,
        may_replace=caller.role in ROLES_THAT_DELETE,
        status=body.status,
        owner_id=parse("user", body.owner_id) if body.owner_id else None,
        current_version=body.current_version,
    )
    context.agents.forget(caller.tenant_id, name)
    log.info("agent.changed", tenant=render("org", caller.organization_id), name=name,
             status=agent.status, version=agent.version)  # fmt: skip
    return json_answer(custom_document(agent))


@router.post("/agents/{name}/test", responses={200: {"model": agent_answers.AgentTrial}})
async def try_agent(name: Name, body: TryAgent, context: Shared, caller: Caller) -> Response:
    """Make one attempt with an agent, as a node would; nothing of it is kept or repeated.

    It does what it does: an agent that sends something sends it.
    """
    require_role(caller, ROLES_THAT_WRITE, "test agents")
    named = f"{name}@{body.version}" if body.version else name
    context.agents.forget(caller.tenant_id, named)
    signature = (await context.agents.signatures_for(caller.tenant_id, [named])).get(named)
    if signature is None:
        await get_agent_of(context, caller, named)
    elif signature.driven or not signature.mappable:
        raise ApiError(422, f"The agent {name} works within a workflow only.",
                       "Run a workflow with it.")  # fmt: skip
    trial = Trial(str(caller.tenant_id), named, body.timeout_seconds, body.input)
    return json_answer({"agent_name": named, **await _attempt(context, trial)})


async def _attempt(context: Context, trial: Trial) -> dict[str, Any]:
    told = await context.handover.try_agent(trial)
    if told is None:
        raise ApiError(503, "No executor could try the agent just now.", "Try again in a moment.",
                       headers={"Retry-After": "1"})  # fmt: skip
    return told


async def get_agent_of(context: Context, caller: Principal, named: str) -> StoredAgent:
    """Return one of the organization's agents, by `name` or `name@2`.

    Raises:
        NotFound: There is none.
    """
    name, version = split_name(named)
    return await custom_agents.get_agent(context.pool, caller.tenant_id, name, version)


def custom_summary(agent: AgentInfo) -> dict[str, Any]:
    """Return what lists say of a custom agent."""
    return {
        "agent_id": render("agent", agent.id),
        "agent_name": agent.agent_name,
        "description": agent.description,
        "type": agent.implementation_type,
        "status": agent.status,
        "version": agent.version if isinstance(agent, StoredAgent) else agent.current_version,
        "usage_count": agent.usage_count,
        "last_used_at": timestamp(agent.last_used_at),
        "owner_id": render("user", agent.owner_id),
        "created_at": timestamp(agent.created_at),
        "updated_at": timestamp(agent.updated_at),
    }


def custom_document(agent: StoredAgent) -> dict[str, Any]:
    """Return a whole custom agent."""
    return {
        **custom_summary(agent),
        "current_version": agent.current_version,
        "tool_specification": agent.tool_specification,
        "implementation": agent.implementation,
    }
