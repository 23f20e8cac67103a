"""The rows of mapped lists, as their execution's owner reads them."""

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

    async def count(self, task_id: str) -> None:
        """Count the items that ended under this owner or an earlier one, before the next end."""
        if task_id not in self._counts:
            row = await self._pool.fetchrow(
                statement("count_map_items"), self._execution_id, task_id
            )
            self._counts.setdefault(task_id, (row["ended"], row["failed"]))

    def add(self, task_id: str, ended: int, failed: int) -> tuple[int, int]:
        """Count items whose results are about to be written; return all that ended and failed."""
        before = self._counts[task_id]
        self._counts[task_id] = (before[0] + ended, before[1] + failed)
        return self._counts[task_id]
