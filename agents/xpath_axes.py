"""The nodes of a parsed page as XPath sees them, looked at within a bound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.errors import AgentError

MOST_LOOKS = 1_000_000
"""How many nodes the expressions of a page look at; some seconds."""
CHARACTERS_A_LOOK = 100


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an element."""

    owner: LexborNode
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Root:
    """What is above the outermost element."""


XNode = LexborNode | Attribute | Root
Axis = Callable[[XNode], Iterator[XNode]]


class World:
    """A page, and how much of it may still be looked at."""

    def __init__(self, document: LexborHTMLParser) -> None:
        self._html = document.root
        self._left = MOST_LOOKS
        self._order: dict[int, int] = {}

    def look(self, times: int = 1) -> None:
        """Count what is looked at.

        Raises:
            AgentError: It was too much.
        """
        self._left -= times
        if self._left < 0:
            raise AgentError(
                "This XPath looks at too much of the page.",
                remedy="Name the elements more closely, or let the browser evaluate it.",
            )

    def children(self, node: XNode) -> Iterator[XNode]:
        """The elements and texts right below a node."""
        if isinstance(node, Root):
            if self._html is not None:
                yield self._html
            return
        child = node.first_child if isinstance(node, LexborNode) else None
        while child is not None:
            self.look()
            if child.is_element_node or child.is_text_node:
                yield child
            child = child.next

    def descendants(self, node: XNode) -> Iterator[XNode]:
        """All the elements and texts below a node, in the document's order."""
        stack = [self.children(node)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            yield found
            stack.append(self.children(found))

    def parents(self, node: XNode) -> Iterator[XNode]:
        """What is above a node, the nearest first."""
        while not isinstance(node, Root):
            self.look()
            above = node.owner if isinstance(node, Attribute) else node.parent
            is_element = above is not None and above.is_element_node
            node = above if is_element and above is not None else Root()
            yield node

    def siblings(self, node: XNode, *, after: bool) -> Iterator[XNode]:
        """The elements and texts beside a node, the nearest first."""
        if not isinstance(node, LexborNode):
            return
        found = node.next if after else node.prev
        while found is not None:
            self.look()
            if found.is_element_node or found.is_text_node:
                yield found
            found = found.next if after else found.prev

    def attributes(self, node: XNode) -> Iterator[XNode]:
        """The attributes of an element."""
        if isinstance(node, LexborNode) and node.is_element_node:
            for name, value in node.attributes.items():
                self.look()
                yield Attribute(node, name, value or "")

    def text(self, node: XNode) -> str:
        """The text of a node: an attribute's value, or all texts in an element."""
        if isinstance(node, Attribute):
            return node.value
        if isinstance(node, LexborNode) and node.is_text_node:
            found = node.text_content or ""
        else:
            found = "".join(
                one.text_content or ""
                for one in self.descendants(node)
                if isinstance(one, LexborNode) and one.is_text_node
            )
        self.look(len(found) // CHARACTERS_A_LOOK)
        return found

    def ordered(self, nodes: list[XNode]) -> list[XNode]:
        """Return nodes in the document's order, each once."""
        if len(nodes) < 2:
            return nodes
        if not self._order:
            for place, one in enumerate(self.descendants(Root()), 1):
                if isinstance(one, LexborNode):
                    self._order[one.mem_id] = place
        once = {self._place(node): node for node in nodes}
        return [once[place] for place in sorted(once)]

    def _place(self, node: XNode) -> tuple[int, str]:
        if isinstance(node, Root):
            return 0, ""
        owner, name = (node.owner, node.name) if isinstance(node, Attribute) else (node, "")
        return self._order.get(owner.mem_id, 0), name
