"""The recorded results that an execution reuses, which was made of another one."""

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from compiler.graph import Update, route_channel
from compiler.specification import Node
from store.json_values import loads
from store.origins import OriginKind
from store.postgres import Pool
from store.statements import statement


@dataclass(frozen=True, slots=True)
class Seed:
    """What a visit of a node comes to."""

    origin: str
    """The execution that recorded it."""
    output: Any
    failure: str | None
    """Why it failed, when it failed and the execution went on."""
    route: tuple[str | None, ...]
    """The target that a chooser took; empty: it chooses anew."""
    map_task_id: str | None
    """Of a map: the task under which its items stand."""
    partial: bool
    """Whether only some of its items are there."""

    @classmethod
    def from_row(cls, origin: str, row: Any) -> "Seed":
        """Make it of a row of `get_seed`."""
        route = () if row["route"] is None else (loads(row["route"]),)
        return cls(
            origin, loads(row["output"]), row["failure"], route, row["map_task_id"], row["partial"]
        )

    def taken(self, node: Node) -> Update | None:
        """Return where the node went on; None when it chooses anew."""
        return {route_channel(node.id): self.route[0]} if self.route else None


class Seeds:
    """Finds what each visit of a node reuses.

    Args:
        pool: A pool of role weft_engine.
        execution_id: The execution that reuses.
        origin_id: The one it was made of.
        kind: How.
    """

    def __init__(self, pool: Pool, execution_id: UUID, origin_id: UUID, kind: OriginKind) -> None:
        self._pool = pool
        self._execution_id = execution_id
        self._visits: Counter[str] = Counter()
        self._origin = f"exec_{origin_id.hex}"
        self.kind = kind

    async def load(self) -> None:
        """Count the visits that are recorded: an owner before this one may have made them."""
        rows = await self._pool.fetch(statement("count_visits"), self._execution_id)
        self._visits = Counter({row["node_id"]: row["visits"] for row in rows})

    def ended(self, node_id: str) -> None:
        """Count a visit whose result is about to be written."""
        self._visits[node_id] += 1

    async def next(self, node: Node) -> Seed | None:
        """Return what the present visit of a node reuses."""
        row = await self._pool.fetchrow(
            statement("get_seed"), self._execution_id, node.id, self._visits[node.id] + 1
        )
        if row is None:
            return None
        seed = Seed.from_row(self._origin, row)
        if node.agent == "router" and not seed.route and seed.failure is None:
            # Its way is its result: it looks anew at what was edited.
            return None
        return seed
