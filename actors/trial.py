"""One attempt with an agent outside of any execution: nothing of it is recorded or repeated."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from compiler.specification import Node, Retry
from compiler.tools import node_agents

if TYPE_CHECKING:
    from actors.attempts import Attempt
    from actors.hosting import Host

TRIALS_AT_ONCE = 8
"""So many at once in one process; others wait for them."""
_NOBODY = UUID(int=0)
_room = asyncio.Semaphore(TRIALS_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried."""

    tenant_id: str
    agent: str
    timeout_seconds: float
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """As a node's; the only references that mean something are those to secrets."""


def dump_trial(trial: Trial) -> bytes:
    """Write it as JSON."""
    return orjson.dumps(trial)


def load_trial(trial_json: bytes) -> Trial:
    """Read what `dump_trial` wrote."""
    return Trial(**orjson.loads(trial_json))


async def try_agent(host: "Host", trial: Trial) -> dict[str, Any]:
    """Make the attempt; a failure is a result, too."""
    # They take seconds to import, and whoever only names a trial is spared.
    from actors.attempts import Work, attempt_until_done  # noqa: PLC0415
    from agents.agent import AgentContext  # noqa: PLC0415

    tenant_id = UUID(trial.tenant_id)
    # Whoever has just registered a version tries that one.
    host.custom.forget(tenant_id, trial.agent)
    node = Node(
        id="test",
        agent=trial.agent,
        parameters=dict(trial.parameters),
        retry=Retry(max_attempts=1),
        timeout=trial.timeout_seconds,
    )
    registry = await host.custom.registry_for(tenant_id, node_agents(node))
    context = AgentContext(tenant_id, _NOBODY, uuid7(), node.id, host.services)
    work = Work.of(registry, node, {}, host.secrets, context)
    async with _room:
        attempt = await attempt_until_done(work, _ignore, _ignore)
    result = attempt.result
    return {
        "status": "completed" if result is not None else "failed",
        "output": result.output if result is not None else None,
        "error": attempt.error,
        "seconds": round(attempt.seconds, 3),
        "usage": asdict(result.usage) if result is not None else None,
        "metadata": dict(result.metadata) if result is not None else {},
    }


async def _ignore(attempt: "Attempt") -> None:
    pass
