"""The order of nodes and their levels."""

from collections.abc import Callable

import pytest

from compiler.specification import Edge, Node, Specification
from compiler.topology import layout, topology


def graph(nodes: str, edges: str) -> Specification:
    """Make a specification of one-letter nodes with edges such as `ab bc`."""
    return Specification(
        nodes=tuple(Node(id=name, agent="llm") for name in nodes),
        edges=tuple(Edge(source=edge[0], target=edge[1]) for edge in edges.split()),
    )


@pytest.mark.parametrize(
    ("nodes", "edges", "levels"),
    [
        ("a", "", [["a"]]),
        ("abc", "ab bc", [["a"], ["b"], ["c"]]),
        ("abcd", "ab ac bd cd", [["a"], ["b", "c"], ["d"]]),
        ("abcd", "ad ab bc cd", [["a"], ["b"], ["c"], ["d"]]),
        ("dcba", "ab bc cd", [["a"], ["b"], ["c"], ["d"]]),
        ("abc", "ab bc cb", [["a"], ["b"], ["c"]]),
        ("abc", "ab bc ca", [["a"], ["b"], ["c"]]),
        ("ab", "aa ab", [["a"], ["b"]]),
        ("abcd", "ab cd dc", [["a", "c"], ["b", "d"]]),
        ("ab", "az zb", [["a", "b"]]),
    ],
)
def test_each_node_stands_below_all_that_lead_to_it(
    nodes: str, edges: str, levels: list[list[str]]
) -> None:
    """Levels are by the longest way; ways back and edges to nowhere are ignored."""
    assert layout(graph(nodes, edges)) == levels


def test_a_thousand_nodes_in_a_row_have_a_thousand_levels(
    chain: Callable[..., Specification],
) -> None:
    """Depth is no recursion."""
    assert len(layout(chain(*(f"n{i}" for i in range(1000))))) == 1000


def test_who_precedes_whom() -> None:
    """A node precedes what some path from it leads to; in a loop it precedes itself."""
    order = topology(graph("abcde", "ab bc cb cd"))
    assert order.precedes("a", "d")
    assert order.precedes("b", "b")
    assert not order.precedes("a", "a")
    assert not order.precedes("d", "a")
    assert not order.precedes("a", "e")
    assert order.before("d") == ("a", "b", "c")


def test_starts_are_the_nodes_that_nothing_enters() -> None:
    """When everything is entered, as in a loop, the first node is the start."""
    assert topology(graph("abc", "ac bc")).starts == ("a", "b")
    assert topology(graph("ab", "ab ba")).starts == ("a",)
    assert topology(graph("abc", "ab cc")).reachable() == {"a", "b"}
