"""Compiled graphs, kept by what they were compiled from."""

from collections import OrderedDict
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph

from compiler.graph import FORMAT, compile_graph
from compiler.specification import Specification


class GraphCache:
    """The graphs that were used last.

    Args:
        checkpointer: Where the graphs keep their state.
        size: How many graphs are kept.
    """

    def __init__(self, checkpointer: BaseCheckpointSaver[Any], size: int = 256) -> None:
        self._checkpointer = checkpointer
        self._size = size
        self._graphs: OrderedDict[tuple[int, str], CompiledStateGraph[Any, Any, Any, Any]] = (
            OrderedDict()
        )

    def get(
        self, sha256: str, specification: Specification
    ) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the graph of a specification with this hash."""
        key = (FORMAT, sha256)
        if key not in self._graphs:
            self._graphs[key] = compile_graph(specification, self._checkpointer)
            if len(self._graphs) > self._size:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]
