"""The parser deployment: English to specifications and edits, in a process of its own."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from ray import serve as ray_serve
from redis.asyncio import Redis

from actors.logs import configure_logs
from agents.planner import open_planner
from agents.planner_chain import PlannerSettings
from agents.settings import AgentSettings
from compiler.signature import AgentSignature
from serve.remembered import Remembered
from serve.text_parser import TextParser
from store.parser_cache import ParserCache


@dataclass(frozen=True, slots=True)
class ParserConfig:
    """What the parser's replicas are told: plain values that travel to them."""

    planner: PlannerSettings
    agents: AgentSettings
    redis_url: str
    log_level: str = "INFO"


def _signatures() -> Mapping[str, AgentSignature]:
    # The agents take a second and 20 MB to import, and reading offline needs none of them.
    from agents.registry import builtin_registry  # noqa: PLC0415

    return builtin_registry().signatures()


@ray_serve.deployment(name="parser", max_ongoing_requests=256, ray_actor_options={"num_cpus": 0})
class Parser(TextParser):
    """A replica: its connections to models are opened with it and closed with it."""

    # Ray Serve awaits it; its type is that of a plain constructor.
    async def __init__(self, config: ParserConfig) -> None:  # type: ignore[misc]
        configure_logs(config.log_level)
        self._stack = AsyncExitStack()
        planner = await self._stack.enter_async_context(
            open_planner(config.planner, config.agents, _signatures)
        )
        await planner.load()
        remembered = None
        if planner.models:
            redis = await self._stack.enter_async_context(Redis.from_url(config.redis_url))
            remembered = Remembered(ParserCache(redis), _signatures(), planner.models)
        super().__init__(planner, remembered)

    async def __del__(self) -> None:
        """Close the connections; Ray Serve awaits it when the replica stops."""
        await self._stack.aclose()
