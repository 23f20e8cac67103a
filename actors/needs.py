"""What of an execution's state a node looks at, so that long lists are loaded only when named."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from compiler.references import references_in, texts_in
from compiler.specification import Edge, Node

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
    def of_parameters(cls, node: Node, code: frozenset[str]) -> "Needs":
        """Read what a node's parameters may look at.

        Args:
            node: The node.
            code: Places among its parameters that hold code.
        """
        templates = dict(texts_in(node.parameters, code))
        scripts = [text for place, text in texts_in(node.parameters) if place not in templates]
        named = {(at.root, *at.path) for _, at in references_in(node.parameters, code)}
        whole = not named.isdisjoint(_ALL) or any(map(_WHOLE.search, scripts))
        return cls(_text(node.parameters), whole)

    @classmethod
    def of_node(cls, node: Node, code: frozenset[str], edges: Sequence[Edge]) -> "Needs":
        """Read what a node may look at: its parameters, its input keys, its edges' conditions.

        Args:
            node: The node.
            code: Places among its parameters that hold code.
            edges: Those of its specification.
        """
        conditions = [e.condition for e in edges if e.source == node.id and e.condition]
        own = cls.of_parameters(node, code)
        whole = own.whole or any(map(_WHOLE.search, conditions))
        return cls(own.text + _text([node.input_keys, conditions]), whole)

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


def _text(value: Any) -> str:
    return orjson.dumps(value).decode("utf-8")
