"""Random workflows under random faults: whatever the seed, everything comes to its right end."""

import asyncio
import random
import sys
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from store.decisions import decide_approval
from store.executions import cancel_parked
from store.live import LiveView
from store.postgres import Pool
from tests.factories import Account
from tests.faults.conftest import Begin, Crew, ProxiedDatabase
from tests.faults.graphs import NUMBERS, Graph, random_graph
from tests.faults.nemesis import Nemesis

IN_FLIGHT = 40
STARTS_AT_ONCE = 5
FAST_SEED, FAST_SECONDS = 20, 6.0
CALM_SECONDS = 90
"""How long the last of them may take once everything works again."""
BEATS_SECONDS = 0.05
POISON = "Its executor died"


@dataclass
class Storm:
    """What is run, and who answers its questions."""

    dice: random.Random
    crew: Crew
    begin: Begin
    pool: Pool
    live: LiveView
    account: Account
    graphs: dict[UUID, Graph] = field(default_factory=dict)
    cancelled: set[UUID] = field(default_factory=set)

    async def work(self, stopped: asyncio.Event) -> None:
        """Start workflows, cancel some, and answer what they ask, until stopped."""
        while not stopped.is_set():
            rest = await self.crew.database.fetch(
                "SELECT id FROM workflow_executions "
                "WHERE status IN ('pending', 'running', 'waiting')"
            )
            if len(rest) < IN_FLIGHT:
                await self._start()
            if rest and self.dice.random() < 0.05:
                id = self.dice.choice(rest)["id"]
                self.cancelled.add(id)
                await cancel_parked(self.pool, self.live, self.account.tenant_id, id, "enough")
            await self.answer()
            await asyncio.sleep(BEATS_SECONDS)

    async def _start(self) -> None:
        graph = random_graph(self.dice, self.crew.effects.url)
        given = {
            "numbers": list(range(NUMBERS)), "coin": self.dice.randint(0, 9), "nothing": None
        }  # fmt: skip
        started = await self.begin(
            graph.document(), None, self.dice.randint(1, STARTS_AT_ONCE), given
        )
        self.graphs |= dict.fromkeys(started, graph)

    async def answer(self) -> None:
        """Answer every question that is open."""
        for asked in await self.crew.database.fetch(
            "SELECT id, execution_id, tenant_id FROM execution_approvals WHERE status = 'pending'"
        ):
            await decide_approval(
                self.pool, self.live, asked["tenant_id"], asked["execution_id"], asked["id"],
                decision=self.dice.choice(["approve", "reject"]), value=None, comment="",
                decided_by="p@example.com", owner_id=None,
            )  # fmt: skip

    async def answer_all(self) -> None:
        """Answer whatever is asked, for ever."""
        while True:
            await self.answer()
            await asyncio.sleep(BEATS_SECONDS)

    async def check_ends(self) -> None:
        """Who was not cancelled and cannot fail has completed."""
        rows = await self.crew.database.fetch(
            "SELECT id, status, error_message FROM workflow_executions"
        )
        wrong = [
            dict(row)
            for row in rows
            if row["status"] != "completed"
            and row["id"] not in self.cancelled
            and not self.graphs[row["id"]].fallible
            and POISON not in (row["error_message"] or "")
        ]
        assert not wrong, f"{len(wrong)} did not complete: {wrong[:5]}"


async def _rage(storm: Storm, nemesis: Nemesis, seconds: float) -> None:
    """Let both loose, then let everything settle and check it."""
    crew = storm.crew
    stopped = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stopped.set)
    async with crew.fault():
        async with asyncio.TaskGroup() as group:
            group.create_task(storm.work(stopped))
            group.create_task(nemesis.rage(stopped))
        answering = asyncio.create_task(storm.answer_all())
        try:
            await crew.all_end(CALM_SECONDS)
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
    nodes = set().union(*(graph.effects for graph in storm.graphs.values()))
    await crew.check(*nodes)
    await storm.check_ends()


@pytest.mark.requirement("FR-2.6", "NFR-3.3")
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("long", [False, pytest.param(True, marks=pytest.mark.faults)],
                         ids=["fixed seed", "long"])  # fmt: skip
async def test_storm(
    long: bool,
    request: pytest.FixtureRequest,
    begin: Begin,
    crew: Crew,
    proxied: ProxiedDatabase,
    api_pool: Pool,
    live: LiveView,
    account: Account,
) -> None:
    """Chains, branches, choices, loops, maps, waits, questions and failures, all of it broken."""
    chosen = request.config.getoption("--seed")
    seed = (random.randrange(10**6) if chosen is None else chosen) if long else FAST_SEED  # noqa: S311
    seconds = float(request.config.getoption("--seconds")) if long else FAST_SECONDS
    sys.stdout.write(f"\nstorm: seed {seed}, {seconds:g} s\n")
    dice = random.Random(seed)  # noqa: S311
    storm = Storm(dice, crew, begin, api_pool, live, account)
    workers = [
        await crew.executor(), await crew.executor(), await crew.executor(database_url=proxied.dsn)
    ]  # fmt: skip
    recoverers = [crew.recoverer() for _ in range(2)]
    try:
        async with crew.kept_alive(*workers) as kept:
            nemesis = Nemesis(random.Random(seed + 1), crew, kept, proxied.proxy, recoverers)  # noqa: S311
            await _rage(storm, nemesis, seconds)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    sys.stdout.write(
        f"storm: {len(storm.graphs)} executions, {len(storm.cancelled)} cancelled, "
        f"faults {dict(nemesis.done)}\n"
    )
