"""Nodes with custom agents, driven by a process on real Postgres."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pytest

from actors import custom_agents
from actors.trial import Trial, try_agent
from agents.api import Api
from agents.custom.definition import Definition
from agents.data_processing import DataProcessing
from agents.registry import Registry, builtin_registry
from agents.services import open_services
from agents.settings import AgentSettings
from store import kept
from store.custom_agents import change_agent, get_agent, register_agent
from store.postgres import Pool
from store.secrets import Vault, set_secret
from store.secrets_keyring import KeyPlace, Keyring
from store.secrets_sealing import KeyFile
from tests.actors.conftest import Look, OpenProcess
from tests.actors.process import Process
from tests.actors.testing_agent import Step
from tests.agents.custom.making import definition, python
from tests.agents.model_server import calls_tool, open_model_server, says
from tests.agents.website import Site, json_reply
from tests.factories import Account, MakeWorkflow, StartExecution
from tests.store.agents import new_agent

TOKEN = "tok-4711-very-secret"
GREET = 'def execute(name, polite=False):\n    return f\'{"Dear" if polite else "Hi"} {name}\''


@pytest.fixture
def registry(step: Step) -> Registry:
    """The agents that every tenant has in these tests."""
    return Registry((Api(), DataProcessing(), step))


@dataclass
class Agents:
    """Registers agents for the tests' tenant."""

    pool: Pool
    account: Account

    async def __call__(self, document: dict[str, Any]) -> None:
        """Register a definition, or its next version."""
        fields = {key: document[key] for key in ("description", "implementation")}
        tool = Definition.model_validate(document).tool_specification.model_dump()
        new = new_agent(self.account, document["agent_name"], tool_specification=tool, **fields)
        await register_agent(self.pool, new)


class RunNodes(Protocol):
    """Runs nodes one after the other to the end."""

    async def __call__(self, *nodes: dict[str, Any], input: Any = None) -> UUID:
        """Run them; returns the execution."""
        ...


@pytest.fixture
def agents(api_pool: Pool, account: Account) -> Agents:
    """Registers agents."""
    return Agents(api_pool, account)


@pytest.fixture
def run(make_workflow: MakeWorkflow, start: StartExecution, process: Process) -> RunNodes:
    """Run nodes one after the other."""

    async def run_nodes(*nodes: dict[str, Any], input: Any = None) -> UUID:
        named = [{"id": f"n{index}", **node} for index, node in enumerate(nodes)]
        ids = [str(node["id"]) for node in named]
        edges = [{"from": a, "to": b} for a, b in pairwise(ids)]
        workflow = await make_workflow({"name": "Own", "nodes": named, "edges": edges})
        started = await start(workflow, input or {}, process.id)
        await process.drive(started.execution_id)
        return started.execution_id

    return run_nodes


def greeter(code: str = GREET) -> dict[str, Any]:
    """Return an agent that greets."""
    parameters = {"name": {"type": "string", "required": True}, "polite": {"type": "boolean"}}
    return {**python(code, **parameters), "agent_name": "greeter"}


@pytest.mark.requirement("FR-3.10")
async def test_a_node_uses_a_custom_agent(agents: Agents, run: RunNodes, look: Look) -> None:
    """Its parameters are resolved as any node's, and its code is given them as values."""
    await agents(greeter())
    id = await run(
        {"agent": "greeter", "parameters": {"name": "{input.who}"}}, input={"who": "{x}"}
    )
    assert await look.output(id) == {"n0": "Hi {x}"}


async def test_a_visit_uses_the_version_that_is_current_when_it_begins(
    agents: Agents, run: RunNodes, look: Look, process: Process, account: Account
) -> None:
    """A node that names a version keeps it, others get the next one."""
    await agents(greeter())
    first = {"agent": "greeter@1", "parameters": {"name": "Ann"}}
    await run({**first, "agent": "greeter"})
    await agents(greeter(GREET.replace("Hi", "Hello")))
    process.host.custom.forget(account.tenant_id, "greeter")
    new = await run({**first, "agent": "greeter"})
    old = await run(first)
    assert await look.output(new) == {"n0": "Hello Ann"}
    assert await look.output(old) == {"n0": "Hi Ann"}


@pytest.mark.parametrize(
    ("named", "words"),
    [("nobody", "There is no agent named nobody"), ("greeter@7", "There is no agent"),
     ("greeter@x", "There is no agent")],
)  # fmt: skip
async def test_a_node_whose_agent_is_not_there_fails(
    agents: Agents, run: RunNodes, look: Look, named: str, words: str
) -> None:
    """The execution ends as failed and says which agent is missing."""
    await agents(greeter())
    id = await run({"agent": named, "parameters": {"name": "Ann"}})
    assert await look.status(id) == "failed"
    assert words in (await look.row(id))["error_message"]


async def test_an_inactive_agent_does_not_run(
    agents: Agents, run: RunNodes, look: Look, api_pool: Pool, account: Account
) -> None:
    """Attempts fail for good and say why."""
    await agents(greeter())
    user = account.principal.user_id
    await change_agent(
        api_pool, account.tenant_id, user, "greeter", may_replace=False, status="inactive"
    )
    id = await run({"agent": "greeter", "parameters": {"name": "Ann"}})
    assert "inactive" in (await look.row(id))["error_message"]


@pytest.mark.requirement("FR-2.4")
async def test_a_map_carries_its_agent_to_the_workers(
    agents: Agents, run: RunNodes, look: Look, process: Process, api_pool: Pool,
    engine_pool: Pool, account: Account,
) -> None:  # fmt: skip
    """Each item is given to the agent, and each attempt counted as a use."""
    await agents(greeter())
    names = {"id": "names", "agent": "step", "parameters": {"value": ["Ann", "Bob", "Cid"]}}
    greet = {
        "agent": "greeter", "pattern": "map", "input_keys": ["names"],
        "parameters": {"name": "{item}"},
    }  # fmt: skip
    id = await run(names, greet)
    assert await look.output(id) == {"n1": ["Hi Ann", "Hi Bob", "Hi Cid"]}
    await process.host.custom.count(engine_pool)
    assert (await get_agent(api_pool, account.tenant_id, "greeter")).usage_count == 3


@pytest.mark.requirement("FR-4.9")
async def test_secrets_of_a_definition_are_opened_for_its_attempts(
    agents: Agents, make_workflow: MakeWorkflow, start: StartExecution, process_of: OpenProcess,
    look: Look, api_pool: Pool, engine_pool: Pool, account: Account, site: Site, tmp_path: Path,
) -> None:  # fmt: skip
    """The organization's secret goes to its host, by a node and by a map; no log shows it."""
    KeyFile(tmp_path / "key").make()
    keys = Keyring(KeyPlace(tmp_path / "key"))
    user = account.principal.user_id
    await set_secret(api_pool, keys, account.tenant_id, user, "crm", TOKEN, ["127.0.0.1"])
    process = await process_of(vault=Vault(engine_pool.acquire, keys))
    site.replies["/contacts"] = json_reply({"id": 7, "told": TOKEN})
    await agents(
        definition(
            {"type": "api_endpoint", "url": site.url("/contacts"),
             "auth": {"type": "bearer", "token": "{secrets.crm}"}},
            {"email": {"type": "string", "required": True}}, name="make_contact",
        )
    )  # fmt: skip
    node = {"id": "own", "agent": "make_contact", "parameters": {"email": "a@b.example"}}
    workflow = await make_workflow({"name": "Own", "nodes": [node]})
    started = await start(workflow, {}, process.id)
    await process.drive(started.execution_id)
    assert await look.output(started.execution_id) == {"id": 7, "told": "{secrets.crm}"}
    [asked] = site.asked
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.json == {"email": "a@b.example"}
    trial = Trial(str(account.tenant_id), "make_contact", 20, {"email": "c@d.example"})
    told = await try_agent(process.host, trial)
    assert told["output"] == {"id": 7, "told": "{secrets.crm}"}
    assert told["metadata"]["agent_version"] == 1


async def test_a_trial_tells_how_an_agent_fails(
    agents: Agents, process: Process, account: Account
) -> None:
    """A failure is a result; the version that was just registered is the one that is tried."""
    await agents(greeter("def execute(name, polite=False):\n    return 1 / 0"))
    trial = Trial(str(account.tenant_id), "greeter", 20, {"name": "Ann"})
    failed = await try_agent(process.host, trial)
    assert failed["status"] == "failed"
    assert "ZeroDivisionError" in failed["error"]
    await agents(greeter())
    worked = await try_agent(process.host, trial)
    assert (worked["status"], worked["output"]) == ("completed", "Hi Ann")
    missing = await try_agent(process.host, Trial(str(account.tenant_id), "nobody", 20, {}))
    assert "There is no agent" in missing["error"]


async def test_agents_are_read_once_for_those_who_ask_together(
    agents: Agents, process: Process, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred nodes that begin at once cost one read, and what is kept is read anew later."""
    await agents(greeter())
    reads: list[int] = []
    custom = process.host.custom
    read = custom._read

    async def counted(tenant_id: UUID, wanted: Any) -> Any:
        reads.append(len(wanted))
        return await read(tenant_id, wanted)

    monkeypatch.setattr(custom, "_read", counted)
    tenant = account.tenant_id
    await asyncio.gather(*(custom.registry_for(tenant, ["greeter"]) for _ in range(200)))
    assert reads == [1]
    monkeypatch.setattr(kept, "KEPT_SECONDS", 0.0)
    await custom.registry_for(tenant, ["greeter"])
    assert reads == [1, 1]


async def test_a_step_of_a_chain_is_a_use(
    agents: Agents, run: RunNodes, process: Process, api_pool: Pool, engine_pool: Pool,
    account: Account,
) -> None:  # fmt: skip
    """So is the chain; an attempt that fails counts as well."""
    await agents(greeter())
    step = {"id": "one", "agent": "greeter", "parameters": {"name": "{name}"}}
    again = {**step, "id": "two", "parameters": {"name": "{one}"}}
    parameters = {"name": {"type": "string"}}
    await agents(definition({"type": "chain", "steps": [step, again]}, parameters, name="twice"))
    await run({"agent": "twice", "parameters": {"name": "Ann"}})
    await agents(greeter("def execute(name, polite=False):\n    return 1 / 0"))
    await run({"agent": "greeter", "parameters": {"name": "Bob"}})
    await process.host.custom.count(engine_pool)
    uses = [
        (await get_agent(api_pool, account.tenant_id, name)).usage_count
        for name in ("greeter", "twice")
    ]
    assert uses == [3, 1]


def test_a_name_may_say_its_version() -> None:
    """What is no number names a version that cannot exist."""
    split: Callable[[str], tuple[str, int]] = custom_agents.split_name
    assert split("greeter") == ("greeter", 0)
    assert split("greeter@12") == ("greeter", 12)
    assert [split(f"greeter@{text}")[1] for text in ("", "0", "x", "-1", "9" * 30)] == [-1] * 5


async def test_a_chain_whose_step_becomes_a_chain_does_not_run(
    agents: Agents, run: RunNodes, look: Look
) -> None:
    """Chains that would name each other end as failures, not in a circle."""
    step = {"id": "one", "parameters": {}}
    one = {"type": "chain", "steps": [{**step, "agent": "second"}]}
    two = {"type": "chain", "steps": [{**step, "agent": "first"}]}
    await agents(definition(one, name="first"))
    await agents(definition(two, name="second"))
    id = await run({"agent": "first"})
    assert "is a chain itself" in (await look.row(id))["error_message"]


@pytest.mark.requirement("FR-3.1")
@pytest.mark.parametrize("mapped", [False, True])
async def test_a_model_calls_a_custom_agent(
    agents: Agents, process_of: OpenProcess, make_workflow: MakeWorkflow, start: StartExecution,
    look: Look, site: Site, mapped: bool, api_pool: Pool, engine_pool: Pool, account: Account,
) -> None:  # fmt: skip
    """It is found by the name that the tool has, in a node and in a map, with its own secret.

    Each call is counted as a use.
    """
    await agents(
        definition(
            {
                "type": "api_endpoint", "url": site.url("/crm"), "method": "GET",
                "headers": {"X-Key": "{secrets.crm}"},
                "response": {"output": {"name": "{body.name}"}},
            },
            {"id": {"type": "integer"}}, name="crm_contact",
        )
    )  # fmt: skip
    site.replies["/crm"] = json_reply({"name": "Ada"})
    async with open_model_server() as server, open_services(
        AgentSettings(allow_loopback=True, openai_base_url=server.openai_url)
    ) as services:  # fmt: skip
        server.script("openai", calls_tool("crm_contact", '{"id": 7}'), says("Ada."))
        process = await process_of(
            secrets={"crm": TOKEN}, registry=builtin_registry(), services=services
        )
        asks = {"prompt": "Who is it?", "model": "m", "tools": ["crm_contact"]}
        node: dict[str, Any] = {"id": "who", "agent": "llm", "parameters": asks}
        if mapped:
            node |= {"pattern": "map", "input_keys": ["input.ids"]}
        workflow = await make_workflow({"name": "Who", "nodes": [node]})
        started = await start(workflow, {"ids": [7]}, process.id)
        await process.drive(started.execution_id)
        found = (await look.output(started.execution_id))["who"]
        await process.host.custom.count(engine_pool)
    assert (await get_agent(api_pool, account.tenant_id, "crm_contact")).usage_count == 1
    assert found == (["Ada."] if mapped else "Ada.")
    assert site.asked[0].path == "/crm?id=7"
    assert site.asked[0].headers["x-key"] == TOKEN
    assert TOKEN not in json.dumps(server.of("openai"))
