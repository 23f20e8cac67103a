"""What of an execution's state a node looks at, so that long lists are loaded only when named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from compiler.references import references_in, texts_in
from compiler.specification import Node, Specification

_WHOLE = re.compile(r"\b(state|workflow)\b")
"""Names through which code may reach every key of the state."""
_ALL = frozenset((("state",), ("workflow", "output")))
"""References that hold every key of the state."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a node may look at."""

    text: str
    """All that it says; a key that does not stand in it cannot be asked for."""
    whole: bool
    """Whether it may ask for any key, named or not."""

    @classmethod
    def of(
        cls,
        specification: Specification,
        node: Node,
        code: frozenset[str],
        input_keys: Sequence[str] | None = None,
    ) -> "Needs":
        """Read what a node, and the conditions on the edges that leave it, may look at.

        Args:
            specification: Of the node.
            node: The node.
            code: Places among its parameters that hold code.
            input_keys: Its input keys; None: all.
        """
        conditions = [
            edge.condition
            for edge in specification.edges
            if edge.source == node.id and edge.condition
        ]
        templates = dict(texts_in(node.parameters, code))
        scripts = [text for place, text in texts_in(node.parameters) if place not in templates]
        keys = node.input_keys if input_keys is None else input_keys
        said = [node.parameters, keys, conditions]
        named = {(at.root, *at.path) for _, at in references_in(node.parameters, code)}
        whole = not named.isdisjoint(_ALL) or any(map(_WHOLE.search, (*scripts, *conditions)))
        return cls(orjson.dumps(said).decode("utf-8"), whole)

    @classmethod
    def either(cls, needs: Sequence["Needs"]) -> "Needs":
        """Join what several may look at."""
        return cls(" ".join(one.text for one in needs), any(one.whole for one in needs))

    def key(self, key: str) -> bool:
        """Whether it may look at a key of the state."""
        return self.whole or key in self.text

    def failed_items(self, node_id: str) -> bool:
        """Whether it may look at the failed items of a map."""
        return "failures" in self.text and node_id in self.text
