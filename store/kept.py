"""What processes remember of tenants for a moment, so that not every attempt asks the database."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

KEPT_SECONDS = 5.0
"""How long something is remembered, and so how long a change may go unnoticed."""
V = TypeVar("V")
Read = Callable[[UUID, Sequence[str]], Awaitable[Mapping[str, V]]]
"""Reads some of a tenant's values by name; those that do not exist are left out."""


class Kept(Generic[V]):
    """Values of tenants by name, read when they are asked for.

    Args:
        read: Reads them.
        most: How many are remembered; the longest unread are forgotten first.
    """

    def __init__(self, read: Read[V], most: int) -> None:
        self._read = read
        self._most = most
        self._reading: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._kept: OrderedDict[tuple[UUID, str], tuple[float, V | None]] = OrderedDict()

    async def get(self, tenant_id: UUID, names: Sequence[str]) -> dict[str, V]:
        """Return those of a tenant's values that have these names and exist, in this order."""
        if self._stale(tenant_id, names):
            # Attempts begin together and ask together: the first reads for all of them.
            async with self._reading.setdefault(tenant_id, asyncio.Lock()):
                if stale := self._stale(tenant_id, names):
                    await self._read_into(tenant_id, stale)
        found = {name: self._kept[tenant_id, name][1] for name in names}
        self._forget_oldest()
        return {name: value for name, value in found.items() if value is not None}

    def forget(self, tenant_id: UUID, name: str) -> None:
        """Read a value anew the next time."""
        self._kept.pop((tenant_id, name), None)

    def _stale(self, tenant_id: UUID, names: Sequence[str]) -> list[str]:
        oldest = time.monotonic() - KEPT_SECONDS
        kept = ((name, self._kept.get((tenant_id, name))) for name in names)
        return [name for name, entry in kept if entry is None or entry[0] < oldest]

    async def _read_into(self, tenant_id: UUID, names: Sequence[str]) -> None:
        # What is written after it was asked for is not in the answer.
        asked = time.monotonic()
        found = await self._read(tenant_id, names)
        for name in names:
            self._kept[tenant_id, name] = (asked, found.get(name))
            self._kept.move_to_end((tenant_id, name))

    def _forget_oldest(self) -> None:
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
