"""Compiled graphs, kept by what they were compiled from."""

import sys
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from langgraph.checkpoint.base import BaseCheckpointSaver, Checkpoint
from langgraph.graph.state import CompiledStateGraph

from actors.loop import outset
from compiler.failures import survivable
from compiler.graph import FORMAT, compile_graph
from compiler.regions import is_chooser
from compiler.specification import Checkpointing, Specification
from store.json_values import loads
from store.postgres import Pool
from store.statements import statement


@dataclass(frozen=True, slots=True)
class Compiled:
    """A specification with its graph, and what its executions ask of it again and again."""

    specification: Specification
    graph: CompiledStateGraph[Any, Any, Any, Any]
    outset: Checkpoint
    """What each execution begins with, but for its input."""
    choosers: frozenset[str]
    """The nodes that take one of their ways on."""
    keys: tuple[str, ...]
    """The state's keys: `input` and each node's own."""
    survivable: tuple[str, ...]
    """The nodes after whose failure the execution goes on."""
    maps: tuple[str, ...]
    """The nodes that run over a list."""
    commit_nodes: int
    """After how many nodes a checkpoint is committed."""


class GraphCache:
    """The graphs that were used last.

    Args:
        pool: A pool of role weft_engine, for reading specifications.
        checkpointer: Where the graphs keep their state.
        size: How many graphs are kept.
    """

    def __init__(self, pool: Pool, checkpointer: BaseCheckpointSaver[Any], size: int = 256) -> None:
        self._pool = pool
        self._checkpointer = checkpointer
        self._size = size
        self._graphs: OrderedDict[tuple[int, UUID, str], Compiled] = OrderedDict()

    async def get(self, tenant_id: UUID, sha256: str) -> Compiled:
        """Return a tenant's specification of this hash, compiled.

        Raises:
            KeyError: The tenant has no such specification.
        """
        key = (FORMAT, tenant_id, sha256)
        if key not in self._graphs:
            document = await self._pool.fetchval(statement("get_specification"), tenant_id, sha256)
            if document is None:
                raise KeyError(f"specification {sha256}")
            self._graphs[key] = await self._compile(Specification.model_validate(loads(document)))
            if len(self._graphs) > self._size:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    async def _compile(self, specification: Specification) -> Compiled:
        nodes = specification.body
        graph = compile_graph(specification, self._checkpointer)
        return Compiled(
            specification,
            graph,
            await outset(graph),
            frozenset(node.id for node in nodes if is_chooser(specification, node)),
            ("input", *dict.fromkeys(node.key for node in nodes)),
            survivable(specification),
            tuple(node.id for node in nodes if node.pattern == "map"),
            _commit_nodes(specification.settings.checkpointing),
        )


def _commit_nodes(checkpointing: Checkpointing) -> int:
    """Read `every_node`, `every_<n>_nodes` and `on_failure`, which comes to: never before."""
    if not checkpointing.enabled or checkpointing.frequency == "on_failure":
        return sys.maxsize
    if checkpointing.frequency == "every_node":
        return 1
    return int(checkpointing.frequency.split("_")[1])
