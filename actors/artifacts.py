"""The large values of one execution, in the hands of its owner.

A value whose JSON text is long is kept once as an artifact, and what is recorded names it; of an
object whose entries make it long, each long entry is. The same content is written once, however
often it is named, and the text of the last values is remembered, so that a result which goes to
the state, a log and an event is dumped once.

An artifact is appended to the journal when it is first named, so it is never later than its name.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from actors import serde
from actors.attempts import LIST_PART
from actors.journal import Journal, Lease
from agents.errors import AgentError
from store.artifacts import (
    LIMIT_BYTES,
    THRESHOLD_CHARACTERS,
    ArtifactReader,
    ArtifactStore,
    Reference,
)
from store.json_values import dumps

REMEMBERED = 8
"""How many values are remembered in their short form."""
LEVELS = 3
"""How deep in objects long entries are looked for; one further in is kept with what it is in."""
OUTPUT_CHARACTERS = 1024 * 1024
"""How long the JSON text of an execution's output may be that its row holds whole."""
_MARK = f'"{serde.TAG}"'
_LONG_CHARACTERS = 1024 * 1024
"""How long a text must be to be kept ahead; hashing a shorter one takes a millisecond or two."""
_CHARACTER_BYTES = 4
"""The most that a character takes."""
OMITTED = "$omitted"
"""Stands for a value that is too large even for an artifact, in what is only shown."""

Dump = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class _Known:
    value: Any
    """Held, so that its id stays its own."""
    short: Any
    tagged: bool
    """Whether its text in the state may be another than elsewhere."""


class Artifacts:
    """What of an execution's values is kept apart.

    Args:
        lease: Whose values they are.
        journal: Takes what is kept.
        store: Where contents are.
    """

    def __init__(self, lease: Lease, journal: Journal, store: ArtifactStore) -> None:
        self._lease = lease
        self._journal = journal
        self._store = store
        self._kept: set[str] = set()
        self._known: OrderedDict[tuple[int, int, Dump], _Known] = OrderedDict()
        self.reader = ArtifactReader(store, lease.tenant_id, lease.execution_id)

    async def check(self, value: Any) -> None:
        """Make sure that a value can be kept.

        Raises:
            AgentError: It is too large.
        """
        await self.prepare(value)
        self._short(value, dumps, THRESHOLD_CHARACTERS)

    async def prepare(self, value: Any, levels: int = LEVELS) -> None:
        """Keep the long parts of a value bit by bit, so that naming them takes no time.

        Args:
            value: What is to be named soon.
            levels: How deep in objects they are looked for.

        Raises:
            AgentError: One is too large.
        """
        if isinstance(value, dict) and levels:
            for part in list(value.values()):
                await self.prepare(part, levels - 1)
        long = isinstance(value, str) and len(value) > _LONG_CHARACTERS
        if not long and not (isinstance(value, list) and len(value) > LIST_PART):
            return
        if self._recall(value, dumps, THRESHOLD_CHARACTERS) is not None:
            return
        text = dumps(value) if long else await long_text(value)
        if len(text) > THRESHOLD_CHARACTERS:
            content = text.encode("utf-8")
            # Hashing lets other threads run, and takes longer than anybody should wait.
            reference = await asyncio.to_thread(Reference.to, content, value)
            self._put(reference, content)
            self._remember(value, THRESHOLD_CHARACTERS, dumps, reference, tagged=_MARK in text)

    def recalled(self, value: Any) -> Any:
        """Return a value as it is shown if it was looked through before, else the value."""
        short = self._recall(value, dumps, THRESHOLD_CHARACTERS)
        return value if short is None else _shown(short)

    def text(self, value: Any) -> str:
        """Return the JSON text of a value that is shown: what is large in it is named."""
        try:
            short, text = self._short(value, dumps, THRESHOLD_CHARACTERS)
        except AgentError as error:
            return dumps({OMITTED: str(error)})
        return text or dumps(_shown(short))

    def shown(self, value: Any, limit: int = THRESHOLD_CHARACTERS) -> Any:
        """Return a value as it is shown: what is large in it is named, or left out."""
        try:
            return _shown(self._short(value, dumps, limit)[0])
        except AgentError as error:
            return {OMITTED: str(error)}

    def state_text(self, value: Any) -> str:
        """Return the JSON text of a value of the state, read again by `serde.load` and `stated`.

        Raises:
            AgentError: It is too large even for an artifact.
        """
        short, text = self._short(value, serde.dump, THRESHOLD_CHARACTERS)
        return text or serde.dump(short)

    async def stated(self, value: Any) -> Any:
        """Return a value of the state with what it refers to."""
        return await self.reader.whole(value, _as_stated, serde.load)

    def _short(self, value: Any, dump: Dump, limit: int) -> tuple[Any, str]:
        """Return a value with references in place of what is large, and its text if nothing is."""
        if (short := self._recall(value, dump, limit)) is not None:
            return short, ""
        if limit == THRESHOLD_CHARACTERS and self._holds_known(value, dump, LEVELS):
            # It is long for that alone; its text would be made for nothing.
            short = self._shortened(value, "", dump, LEVELS)
            self._remember(value, limit, dump, short, tagged=True)
            return short, ""
        text = dump(value)
        if len(text) <= limit:
            return value, text
        short = self._shortened(value, text, dump, LEVELS)
        self._remember(value, limit, dump, short, tagged=_MARK in text)
        return short, ""

    def _remember(self, value: Any, limit: int, dump: Dump, short: Any, *, tagged: bool) -> None:
        self._known[(id(value), limit, dump)] = _Known(value, short, tagged)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _holds_known(self, value: Any, dump: Dump, levels: int) -> bool:
        """Whether an object has an entry that is known to be long."""
        if not isinstance(value, dict) or not levels:
            return False
        return any(
            self._recall(part, dump, THRESHOLD_CHARACTERS) is not None
            or self._holds_known(part, dump, levels - 1)
            for part in value.values()
            if isinstance(part, dict | list | str)
        )

    def _shortened(self, value: Any, text: str, dump: Dump, levels: int) -> Any:
        """Return what stands for a long value: of an object its long entries, else the whole.

        Without its text, that is made when it is needed.
        """
        if isinstance(value, dict) and levels:
            short = {name: self._part(part, dump, levels - 1) for name, part in value.items()}
            if len(dump(_shown(short))) <= THRESHOLD_CHARACTERS:
                return short
        return self._keep(value, text or dump(value))

    def _part(self, value: Any, dump: Dump, levels: int) -> Any:
        """Return an entry of a long object, or what stands for it."""
        if not isinstance(value, dict | list | tuple | str):
            return value
        if (short := self._recall(value, dump, THRESHOLD_CHARACTERS)) is not None:
            return short
        if self._holds_known(value, dump, levels):
            return self._shortened(value, "", dump, levels)
        text = dump(value)
        if len(text) <= THRESHOLD_CHARACTERS:
            return value
        return self._shortened(value, text, dump, levels)

    def _keep(self, value: Any, text: str) -> Reference:
        content = text.encode("utf-8")
        reference = Reference.to(content, value)
        self._put(reference, content)
        return reference

    def _put(self, reference: Reference, content: bytes) -> None:
        if len(content) > LIMIT_BYTES:
            raise AgentError(
                f"The value has {len(content) / 2**20:.1f} MiB of JSON; at most "
                f"{LIMIT_BYTES // 2**20} MiB can be kept.",
                remedy="Let the node answer less, or store it elsewhere and answer where.",
            )
        if reference.sha256 not in self._kept:
            lease = self._lease
            record = self._store.put(lease.tenant_id, lease.execution_id, reference.sha256, content)
            self._journal.append(lease, [record], lazy=True, size_bytes=len(content))
            self._kept.add(reference.sha256)

    def _recall(self, value: Any, dump: Dump, limit: int) -> Any:
        # JSON data is written alike for the state and elsewhere, unless it holds the state's tag.
        for other in (dumps, serde.dump):
            known = self._known.get((id(value), limit, other))
            if known is None and limit != THRESHOLD_CHARACTERS:
                known = self._known.get((id(value), THRESHOLD_CHARACTERS, other))
                if known is not None and not _is_longer(known.short, limit):
                    known = None
            if known is not None and (other is dump or not known.tagged):
                return known.short
        return None


def _is_longer(short: Any, limit: int) -> bool:
    """Whether the whole of a value is kept apart, and certainly has more characters."""
    return isinstance(short, Reference) and short.size_bytes > _CHARACTER_BYTES * limit


async def long_text(value: Any) -> str:
    """Return the JSON text of a long list, made a part at a time; of anything else nothing."""
    if not isinstance(value, list) or len(value) <= LIST_PART:
        return ""
    parts = []
    for start in range(0, len(value), LIST_PART):
        parts.append(dumps(value[start : start + LIST_PART])[1:-1])
        await asyncio.sleep(0)
    return f"[{','.join(parts)}]"


def _as_stated(value: Any) -> Reference | None:
    return value if isinstance(value, Reference) else None


def _shown(short: Any) -> Any:
    if isinstance(short, Reference):
        return short.document
    if isinstance(short, dict):
        return {name: _shown(part) for name, part in short.items()}
    return short
