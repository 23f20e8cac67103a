"""The rows of mapped lists, as their execution's owner reads them."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from actors.fanout import ItemResult
from agents.errors import AgentError
from store.json_values import clean_text, loads
from store.postgres import Pool
from store.statements import statement

KEPT_BYTES = 32 * 1024 * 1024
"""How much JSON of lists that were loaded whole is kept; the last one is kept whatever its size."""
WHOLE_BYTES = 128 * 1024 * 1024
"""The most JSON that a mapped list may have to be loaded whole."""
SHOWN_ITEM_BYTES = 64 * 1024
"""An item whose output has more JSON is shown in logs and events by a reference to it."""
SHOWN_LIST_BYTES = 1024 * 1024
SHOWN_ITEMS = 1000
"""A list up to these bounds is shown in logs and events with all its items."""
FIRST_ITEMS = 10
"""How many items are shown of a longer one."""
HELD_CHARACTERS = 64 * 1024
"""Results of this process are held until their map has ended, and not read again, while they have
no more JSON together, and all of them can be shown."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A map whose items have ended.

    Attributes:
        count: How many items there are.
        failed: How many of them failed.
        total_bytes: How much JSON their outputs are together.
        shown_bytes: The same without the outputs that are shown by reference.
        first_failed: The first item that failed.
        first_error: Why it did.
    """

    count: int
    failed: int
    total_bytes: int
    shown_bytes: int
    first_failed: int | None
    first_error: str | None


@dataclass(slots=True)
class _Held:
    """The results of a map that began in this process, all of them."""

    outputs: dict[int, str | None] = field(default_factory=dict)
    """JSON texts by index; None: it failed."""
    characters: int = 0
    failed: int = 0
    first_failed: ItemResult | None = None

    def add(self, results: Sequence[ItemResult]) -> bool:
        """Add results; return whether all may be held on to."""
        largest = 0
        for result in results:
            self.outputs[result.map_index] = result.output_json
            size = len(result.output_json or "")
            largest = max(largest, size)
            self.characters += size
            if result.error is not None:
                self.failed += 1
                first = self.first_failed or result
                self.first_failed = result if result.map_index < first.map_index else first
        # A character is four bytes at most.
        shown = largest * 4 <= SHOWN_ITEM_BYTES and len(self.outputs) <= SHOWN_ITEMS
        return shown and self.characters <= HELD_CHARACTERS

    def summary(self) -> Summary:
        """Return how the map went."""
        first = self.first_failed
        return Summary(
            count=len(self.outputs),
            failed=self.failed,
            total_bytes=self.characters,
            shown_bytes=self.characters,
            first_failed=first.map_index if first else None,
            first_error=clean_text(first.error or "") if first else None,
        )

    def items(self) -> list[Any]:
        """Return the outputs of all items, null for those that failed."""
        return [loads(self.outputs[index]) for index in sorted(self.outputs)]


class MapRows:
    """Reads and counts the results of an execution's maps."""

    def __init__(self, pool: Pool, execution_id: UUID) -> None:
        self._pool = pool
        self._execution_id = execution_id
        self._lists: OrderedDict[str, tuple[int, list[Any]]] = OrderedDict()
        self._counts: dict[str, tuple[int, int]] = {}
        self._held: dict[str, _Held] = {}
        self._begun: set[str] = set()
        """The maps of which results were there before this process ran them."""

    def begin(self, task_id: str) -> None:
        """Begin with a map that has no results yet."""
        self._counts[task_id] = 0, 0
        self._held[task_id] = _Held()

    def add(self, task_id: str, results: Sequence[ItemResult]) -> tuple[int, int]:
        """Count results that are about to be written, of a map whose items have been counted.

        Returns:
            How many items have ended by then, and how many of them failed.
        """
        if task_id in self._held and not self._held[task_id].add(results):
            del self._held[task_id]
        failed = sum(1 for result in results if result.error is not None)
        return self._add(task_id, len(results), failed)

    async def summary(self, task_id: str) -> Summary:
        """Return how a map went."""
        if held := self._held.get(task_id):
            return held.summary()
        row = await self._pool.fetchrow(
            statement("sum_map_items"), self._execution_id, task_id, SHOWN_ITEM_BYTES
        )
        return Summary(**row)

    async def whole(self, name: str, task_id: str) -> list[Any]:
        """Return the outputs of all items of a map, null for those that failed.

        Args:
            name: What an error calls the list.
            task_id: The graph task that planned the map.

        Raises:
            AgentError: They are too large together.
        """
        if task_id in self._lists:
            self._lists.move_to_end(task_id)
            return self._lists[task_id][1]
        size = (await self.summary(task_id)).total_bytes
        if size > WHOLE_BYTES:
            raise AgentError(
                f"`{name}` holds {size / 2**20:.0f} MiB of JSON; at most "
                f"{WHOLE_BYTES / 2**20:.0f} MiB of a mapped list can be used as a whole.",
                remedy="Map over it, or let each item answer less.",
            )
        return self._keep(task_id, size, await self.part(task_id, 0, None))

    def _keep(self, task_id: str, size: int, items: list[Any]) -> list[Any]:
        self._lists[task_id] = size, items
        while len(self._lists) > 1 and sum(s for s, _ in self._lists.values()) > KEPT_BYTES:
            self._lists.popitem(last=False)
        return items

    async def part(self, task_id: str, start: int, stop: int | None) -> list[Any]:
        """Return the outputs of a map's items from `start` up to `stop`, None: to the end."""
        rows = await self._pool.fetch(
            statement("list_map_items"), self._execution_id, task_id, start, stop, None
        )
        return [loads(row["output_data"]) for row in rows]

    async def shown(self, task_id: str, summary: Summary) -> Any:
        """Return what logs and events show of a map's outputs."""
        if held := self._held.pop(task_id, None):
            return self._keep(task_id, held.characters, held.items())
        if summary.count <= SHOWN_ITEMS and summary.shown_bytes <= SHOWN_LIST_BYTES:
            return await self._shown_items(task_id, None)
        return {"count": summary.count, "first": await self._shown_items(task_id, FIRST_ITEMS)}

    async def _shown_items(self, task_id: str, stop: int | None) -> list[Any]:
        rows = await self._pool.fetch(
            statement("list_map_items"), self._execution_id, task_id, 0, stop, SHOWN_ITEM_BYTES
        )
        return [
            {"item": row["map_index"], "bytes": row["output_bytes"]}
            if (row["output_bytes"] or 0) > SHOWN_ITEM_BYTES
            else loads(row["output_data"])
            for row in rows
        ]

    async def failed_items(self, task_id: str) -> list[dict[str, Any]]:
        """Return which items of a map failed, and why."""
        rows = await self._pool.fetch(statement("list_failed_items"), self._execution_id, task_id)
        return [{"index": row["map_index"], "message": row["error_message"]} for row in rows]

    async def recorded(self, task_id: str, start: int, stop: int) -> dict[int, str]:
        """Return how items from `start` up to `stop` ended, by index, as far as it is recorded."""
        rows = await self._pool.fetch(
            statement("list_ended_items"), self._execution_id, task_id, start, stop
        )
        return {row["map_index"]: row["status"] for row in rows}

    def begun(self, task_id: str) -> bool:
        """Whether results of a map that was counted were there before this process ran it."""
        return task_id in self._begun

    def recount(self, task_id: str) -> None:
        """Have a map's items counted again: results came that this process did not write."""
        self._counts.pop(task_id, None)

    async def count(self, task_id: str) -> None:
        """Count the items that have ended, once."""
        if task_id in self._counts:
            return
        row = await self._pool.fetchrow(statement("count_map_items"), self._execution_id, task_id)
        # Somebody else may have asked, and counted, meanwhile.
        if task_id not in self._counts:
            self._counts[task_id] = row["ended"], row["failed"]
            if row["ended"]:
                self._begun.add(task_id)

    def discard(self, task_id: str, failed: int) -> None:
        """Count failed items no more: they are run again."""
        self._add(task_id, -failed, -failed)

    def _add(self, task_id: str, ended: int, failed: int) -> tuple[int, int]:
        before = self._counts[task_id]
        self._counts[task_id] = before[0] + ended, before[1] + failed
        return self._counts[task_id]
