"""The rows of mapped lists, as their execution's owner reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from store.json_values import loads
from store.postgres import Pool
from store.statements import statement

KEPT = 4
"""How many loaded lists are kept."""


@dataclass(frozen=True, slots=True)
class MapItem:
    """One item's result."""

    map_index: int
    output: Any
    error: str | None


class MapRows:
    """Loads and counts the results of an execution's maps; keeps the last lists it loaded."""

    def __init__(self, pool: Pool, execution_id: UUID) -> None:
        self._pool = pool
        self._execution_id = execution_id
        self._lists: dict[str, list[MapItem]] = {}
        self._counts: dict[str, tuple[int, int]] = {}

    async def load(self, task_id: str) -> list[MapItem]:
        """Return a finished map's results, in item order."""
        if task_id not in self._lists:
            rows = await self._pool.fetch(statement("list_map_items"), self._execution_id, task_id)
            self._lists[task_id] = [
                MapItem(row["map_index"], loads(row["output_data"]), row["error_message"])
                for row in rows
            ]
            while len(self._lists) > KEPT:
                self._lists.pop(next(iter(self._lists)))
        return self._lists[task_id]

    async def done(self, task_id: str, start: int, stop: int) -> frozenset[int]:
        """Return which items from `start` up to `stop` have completed."""
        rows = await self._pool.fetch(
            statement("list_done_items"), self._execution_id, task_id, start, stop
        )
        return frozenset(row["map_index"] for row in rows)

    async def count(self, task_id: str) -> tuple[int, int]:
        """Return how many items have ended and how many of them failed."""
        if task_id not in self._counts:
            row = await self._pool.fetchrow(
                statement("count_map_items"), self._execution_id, task_id
            )
            self._counts.setdefault(task_id, (row["ended"], row["failed"]))
        return self._counts[task_id]

    def add(self, task_id: str, ended: int, failed: int) -> None:
        """Count items whose results are about to be written."""
        before = self._counts[task_id]
        self._counts[task_id] = (before[0] + ended, before[1] + failed)


def stretches(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return sorted places as stretches without a gap: the first, and the one after the last."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and found[-1][1] == place:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found
