"""What agents add: an api node beside the bare request, and a router's conditions.

Both requests go to the same server on loopback, one after the other in turn, so that what else
the machine does reaches both alike. What is claimed is the difference of their medians. One of the
conditions is plain, the other needs a session of the sandbox.

    python -m benchmarks.agents
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx2

from agents.agent import AgentContext
from agents.registry import builtin_registry
from agents.services import Services, open_services
from agents.settings import AgentSettings
from benchmarks.figures import spread, write

ROUNDS = 2_000
WARM_UP = 200
ANSWER = b'{"items": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]}'


def main() -> None:
    """Measure, print and write the figures."""
    figures = asyncio.run(_measured())
    for name, figure in figures.items():
        print(f"{name}: {figure}")
    claim = (
        "an api node costs less than 2 ms beside its request, a router's condition less than 1 ms"
    )
    print(write("agents", claim, figures, packages=("httpx2", "pydantic-monty")))


async def _measured() -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(_serve, "127.0.0.1", 0))
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/items"
        services = await stack.enter_async_context(
            open_services(AgentSettings(allow_loopback=True))
        )
        client = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False))

        async def bare() -> None:
            assert (await client.get(url)).json()["items"]

        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "bare": bare,
            "node": _node(services, "api", {"url": url}),
            "plain": _router(services, "state['score'] > 0.8"),
            "sandbox": _router(services, "round(state['score']) == 1"),
        }
        took: dict[str, list[float]] = {name: [] for name in calls}
        for number in range(WARM_UP + ROUNDS):
            for name, call in calls.items():
                ms = await _timed(call)
                if number >= WARM_UP:
                    took[name].append(ms)
        await client.aclose()
        await (await services.http()).aclose()
    overhead_ms = statistics.median(took["node"]) - statistics.median(took["bare"])
    return {
        "api_node": spread(took["node"]),
        "bare_request": spread(took["bare"]),
        "api_overhead_ms": round(overhead_ms, 3),
        "router_condition": spread(took["plain"]),
        "router_condition_in_the_sandbox": spread(took["sandbox"]),
    }


def _router(services: Services, condition: str) -> Callable[[], Awaitable[object]]:
    ways = {"condition": condition, "if_true": "a", "default": "b"}
    return _node(services, "router", ways)


def _node(
    services: Services, agent: str, parameters: dict[str, Any]
) -> Callable[[], Awaitable[object]]:
    """Return what runs an agent as an attempt does: checked parameters, a context of its own."""
    found = builtin_registry().get(agent)
    tenant, workflow, execution = uuid4(), uuid4(), uuid4()

    async def call() -> object:
        context = AgentContext(
            tenant, workflow, execution, "node", services, variables={"score": 0.9}
        )
        return await found.run(found.parameters.model_validate(parameters), context)

    return call


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    await call()
    return (time.perf_counter() - started) * 1000


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(ANSWER)}"
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(head.encode() + b"\r\n\r\n" + ANSWER)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    main()
