"""The browser of a machine as a Ray actor: one for all processes of the platform on it."""

import asyncio
import contextlib
import shutil
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import ray
import structlog
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.names import MANY_NAMES, NAMESPACE
from agents.browser_keeper import IDLE_SECONDS, BrowserAway, Keeper, open_keeper

log = structlog.get_logger(__name__)

_PREFIX = "browser "
_START_SECONDS = 60.0
"""How long Ray may take to start the actor."""
_STOP_SECONDS = 5.0


class BrowserKeeper:
    """Keeps a machine's Chromium; `RemoteBrowserKeeper` is it as a Ray actor.

    It ends when nobody has had a use for Chromium for a while; the next who has starts another.

    Args:
        chromium_path: The browser's executable; None: looked for on this machine.
        places: Pages open at once on this machine.
        idle_seconds: How long it stays without any use.
    """

    def __init__(
        self, chromium_path: str | None, places: int, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._given = chromium_path, places, idle_seconds
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._keeper: Keeper | None = None

    async def address(self) -> str:
        """Return the socket at which it lends.

        Raises:
            AgentError: There is no browser at the path.
        """
        async with self._opening:
            if self._keeper is None:
                self._keeper = await self._stack.enter_async_context(open_keeper(*self._given))
                self._keeper.on_idle = self._end
            return self._keeper.address

    async def close(self) -> None:
        """End Chromium, and remove what it left."""
        async with self._opening:
            self._keeper = None
            await self._stack.aclose()

    def _end(self) -> None:
        """End this process for good; Chromium has been closed."""
        log.info("browser.idle")
        if self._keeper is not None:
            shutil.rmtree(Path(self._keeper.address).parent, ignore_errors=True)
        ray.kill(ray.get_runtime_context().current_actor)

    def __repr__(self) -> str:
        return "BrowserKeeper"


RemoteBrowserKeeper: Any = ray.remote(BrowserKeeper)
"""The BrowserKeeper as Ray starts it."""


class MachineKeepers:
    """Finds the keeper of this machine, or starts it.

    Args:
        chromium_path: As `BrowserKeeper`'s.
        places: As `BrowserKeeper`'s.
    """

    def __init__(self, chromium_path: str | None, places: int) -> None:
        self._given = chromium_path, places
        self._finding = asyncio.Lock()
        self._found: tuple[ActorHandle[Any], str] | None = None

    async def address(self, *, anew: bool) -> str:
        """See `agents.browser_keeper.Keepers`."""
        async with self._finding:
            if self._found is None or anew:
                self._found = None
                try:
                    async with asyncio.timeout(_START_SECONDS):
                        self._found = await self._find()
                except (ray.exceptions.RayError, TimeoutError) as error:
                    raise BrowserAway(error) from error
            return self._found[1]

    async def _find(self) -> tuple[ActorHandle[Any], str]:
        machine = ray.get_runtime_context().get_node_id()
        actor: ActorHandle[Any] = RemoteBrowserKeeper.options(
            name=f"{_PREFIX}{machine}",
            namespace=NAMESPACE,
            get_if_exists=True,
            # The process that happens to ask first may end before the others.
            lifetime="detached",
            num_cpus=0,
            runtime_env=MANY_NAMES,
            scheduling_strategy=NodeAffinitySchedulingStrategy(machine, soft=False),
            max_restarts=-1,
            # It has an effect but once, however often it is asked.
            max_task_retries=3,
        ).remote(*self._given)
        return actor, await actor.address.options(name="browser").remote()


def end_keepers() -> None:
    """End the keepers of all machines, and with them their browsers."""
    for name in ray.util.list_named_actors():
        if name.startswith(_PREFIX):
            with contextlib.suppress(ValueError, ray.exceptions.RayError):
                actor = ray.get_actor(name, namespace=NAMESPACE)
                closing: ray.ObjectRef[Any] = actor.close.remote()
                ray.wait([closing], timeout=_STOP_SECONDS)
                ray.kill(actor)
