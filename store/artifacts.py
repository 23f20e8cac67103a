"""Large values: kept once for their execution, by their content, and named elsewhere.

An artifact is the JSON text of a value. What names it holds a `Reference`, which the outside sees
as `{"$artifact": {"sha256": …, "bytes": …}, "preview": …}`. The content is written in the flush of
the first record that names it, and goes with its execution.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from store.errors import NotFound
from store.json_values import loads
from store.postgres import Pool, tenant_transaction
from store.records import ArtifactRecord
from store.statements import statement

THRESHOLD_CHARACTERS = 32 * 1024
"""How long a value's JSON text may be that is kept where it belongs."""
LIMIT_BYTES = 64 * 1024 * 1024
"""The largest artifact."""
PREVIEW_CHARACTERS = 1_000
REMEMBERED = 8
"""How many contents are remembered once loaded."""
KEY = "$artifact"
PART_BYTES = 1024 * 1024
"""How much of an artifact is read at once for the outside."""
Find = Callable[[Any], "Reference | None"]
Load = Callable[[bytes], Any]
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """Stands for an artifact."""

    sha256: str
    size_bytes: int
    preview: str = ""

    @classmethod
    def to(cls, content: bytes, value: Any = None) -> "Reference":
        """Make the reference to a content, the JSON text of a value."""
        begin = value if isinstance(value, str) else content[: 4 * PREVIEW_CHARACTERS].decode(
            "utf-8", "ignore"
        )  # fmt: skip
        digest = hashlib.sha256(content).hexdigest()
        return cls(digest, len(content), begin[:PREVIEW_CHARACTERS])

    @classmethod
    def of(cls, document: Any) -> "Reference | None":
        """Read a reference as the outside sees it; None when the document is something else."""
        if not isinstance(document, dict) or document.keys() != {KEY, "preview"}:
            return None
        told = document[KEY]
        if not isinstance(told, dict) or not is_digest(told.get("sha256")):
            return None
        return cls(told["sha256"], told.get("bytes", 0), document["preview"])

    @property
    def document(self) -> dict[str, Any]:
        """The reference as the outside sees it."""
        return {KEY: {"sha256": self.sha256, "bytes": self.size_bytes}, "preview": self.preview}


def is_digest(text: Any) -> bool:
    """Whether this is how an artifact is named."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


class ArtifactStore(Protocol):
    """Where contents are."""

    def put(
        self, tenant_id: UUID, execution_id: UUID, sha256: str, content: bytes
    ) -> ArtifactRecord:
        """Return what is to be recorded with, or before, what names the content."""
        ...

    async def get(self, tenant_id: UUID, execution_id: UUID, sha256: str) -> bytes | None:
        """Return an execution's content; None when it has none of this digest."""
        ...


class ArtifactReader:
    """Reads what the values of one execution refer to; keeps what it loaded last.

    Args:
        store: Where contents are.
        tenant_id: Whose execution it is.
        execution_id: The execution.
    """

    def __init__(self, store: ArtifactStore, tenant_id: UUID, execution_id: UUID) -> None:
        self._store = store
        self._place = (tenant_id, execution_id)
        self._loaded: OrderedDict[tuple[str, Load], Any] = OrderedDict()

    async def recorded(self, value: Any) -> Any:
        """Return what was recorded of a value with what it refers to.

        What only looks like a reference stays as it is.
        """
        return await self.whole(value, Reference.of, loads)

    async def whole(self, value: Any, find: Find, load: Load) -> Any:
        """Return a value with what it, or an object in it, refers to.

        Args:
            value: JSON data, with references as `find` knows them.
            find: Returns what a value refers to, if it is a reference.
            load: Reads a content.
        """
        if reference := find(value):
            return await self._load(reference, value, load)
        if not isinstance(value, dict):
            return value
        return {
            name: await self.whole(part, find, load) if isinstance(part, dict | Reference) else part
            for name, part in value.items()
        }

    async def _load(self, reference: Reference, value: Any, load: Load) -> Any:
        key = (reference.sha256, load)
        if key not in self._loaded:
            content = await self._store.get(*self._place, reference.sha256)
            if content is None:
                return value
            self._loaded[key] = load(content)
            if len(self._loaded) > REMEMBERED:
                self._loaded.popitem(last=False)
        return self._loaded[key]


class PostgresArtifacts:
    """Contents as rows beside their execution's others.

    Args:
        pool: A pool of role weft_engine or weft_api.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def put(
        self, tenant_id: UUID, execution_id: UUID, sha256: str, content: bytes
    ) -> ArtifactRecord:
        """Return the record that holds the content."""
        return ArtifactRecord(tenant_id, execution_id, sha256, content)

    async def get(self, tenant_id: UUID, execution_id: UUID, sha256: str) -> bytes | None:
        """Return an execution's content; None when it has none of this digest."""
        async with tenant_transaction(self._pool, tenant_id) as connection:
            found: bytes | None = await connection.fetchval(
                statement("get_artifact"), tenant_id, execution_id, sha256
            )
        return found

    async def size_bytes(self, tenant_id: UUID, execution_id: UUID, sha256: str) -> int:
        """Return how large an execution's artifact is.

        Raises:
            NotFound: The tenant has no such artifact.
        """
        async with tenant_transaction(self._pool, tenant_id) as connection:
            found: int | None = await connection.fetchval(
                statement("get_artifact_size"), tenant_id, execution_id, sha256
            )
        if found is None:
            raise NotFound("artifact", sha256)
        return found

    async def parts(self, tenant_id: UUID, execution_id: UUID, sha256: str) -> AsyncIterator[bytes]:
        """Yield an artifact's content a part at a time; ends early when it is deleted meanwhile."""
        start = 1
        while True:
            async with tenant_transaction(self._pool, tenant_id) as connection:
                part: bytes | None = await connection.fetchval(
                    statement("get_artifact_part"), tenant_id, execution_id, sha256, start,
                    PART_BYTES,
                )  # fmt: skip
            if not part:
                return
            yield part
            start += len(part)
