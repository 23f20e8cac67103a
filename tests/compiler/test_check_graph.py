"""Ids, edges, reachability, loops and routers."""

from collections.abc import Callable

import pytest

Rules = Callable[[str], set[tuple[str, str]]]

ROUTER = """
nodes:
  - {id: a, agent: llm, parameters: {prompt: x}}
  - {id: r, agent: router, parameters: {%s}}
  - {id: b, agent: llm, parameters: {prompt: x}}
  - {id: c, agent: llm, parameters: {prompt: x}}
edges: [{from: a, to: r}, %s]
"""


def graph(edges: str, *, nodes: str = "abcd", pattern: str = "orchestrator_worker") -> str:
    """Write llm nodes with edges such as `ab bc a?c`; `?` gives an edge a condition."""
    lines = [f"pattern: {pattern}", "nodes:"]
    lines += [f"- {{id: {name}, agent: llm, parameters: {{prompt: x}}}}" for name in nodes]
    lines.append("edges:" if edges else "edges: []")
    for edge in edges.split():
        condition = f", condition: {edge[0]}.done" if "?" in edge else ""
        lines.append(f"- {{from: {edge[0]}, to: {edge[-1]}{condition}}}")
    return "\n".join(lines)


@pytest.mark.requirement("FR-1.4")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (graph("ab bc cd", nodes="abcda"), {("duplicate_id", "nodes[4].id")}),
        (
            graph("ab bc cd dz yd"),
            {("dangling_edge", "edges[3].to"), ("dangling_edge", "edges[4].from")},
        ),
        (graph("ab bc cd ab"), {("duplicate_edge", "edges[3]")}),
        (
            graph("ab cd dc"),
            {
                ("unreachable_node", "nodes[2]"),
                ("unreachable_node", "nodes[3]"),
                ("cycle_without_exit", "edges[1]"),
            },
        ),
        (
            graph("ab ba cd dc"),
            {
                ("no_start_node", "edges"),
                ("cycle_without_exit", "edges[0]"),
                ("cycle_without_exit", "edges[2]"),
            },
        ),
        (
            graph("ab bc cd", pattern="sequential", nodes="abcde"),
            {("unreachable_node", "nodes[4]")},
        ),
        (graph("", pattern="sequential"), {("unreachable_node", "edges")}),
        (graph("ab bb b?c cd"), {("edge_never_taken", "edges[2]")}),
        (graph("ab bc cb cd"), {("cycle_without_exit", "edges[1]")}),
        (graph("aa ab bc cd"), {("cycle_without_exit", "edges[0]")}),
        (graph("ab bc a?c cd"), {("edge_never_taken", "edges[2]")}),
    ],
)
def test_each_fault_of_a_graph_is_named(
    rules: Rules, text: str, expected: set[tuple[str, str]]
) -> None:
    """One fault gives exactly the problems that belong to it."""
    assert rules(text) == expected


@pytest.mark.requirement("FR-2.1", "FR-2.5")
@pytest.mark.parametrize(
    "text",
    [
        graph("ab bc cd"),
        graph("ab ac bd cd"),
        graph("ab bc c?b cd"),
        graph("ab bc cd d?a"),
        graph("a?b ac bd cd"),
        graph("a?b a?c cd"),
        graph("", nodes="a", pattern="sequential"),
        graph(""),
        graph("ab bc", nodes="abcd"),
        graph("a?a ab", nodes="ab"),
    ],
)
def test_sound_graphs_have_no_problem(rules: Rules, text: str) -> None:
    """Chains, joins, choices, loops with a way out, and nodes side by side."""
    assert rules(text) == set()


def test_a_loop_inside_a_loop_needs_its_own_way_out(rules: Rules) -> None:
    """A way out of the larger loop does not end the smaller one."""
    text = graph("ab bc cb cd d?e da", nodes="abcde")
    assert ("cycle_without_exit", "edges[1]") in rules(text)


def test_a_plain_node_cannot_lead_back_and_on_at_once(rules: Rules) -> None:
    """It would begin the loop again and leave it at the same time."""
    text = graph("a?b ad ba bc")
    assert rules(text) == {("tangled_loop", "edges[2]")}


@pytest.mark.requirement("FR-2.3")
@pytest.mark.parametrize(
    ("parameters", "edges", "expected"),
    [
        ("condition: a > 1, if_true: b, if_false: c", "{from: r, to: b}, {from: r, to: c}", set()),
        (
            "routes: [{when: a > 1, to: b}], default: c",
            "{from: r, to: b, condition: any label}, {from: r, to: c}",
            set(),
        ),
        ("condition: a > 1, if_true: b", "{from: r, to: b}, {from: b, to: c}", set()),
        (
            "condition: a > 1, if_true: bb, if_false: c",
            "{from: r, to: b}, {from: r, to: c}",
            {
                ("wrong_router_target", "nodes[1].parameters.if_true"),
                ("edge_never_taken", "edges[1]"),
            },
        ),
        (
            "condition: a > 1, if_true: b, if_false: c",
            "{from: r, to: b}, {from: b, to: c}",
            {("wrong_router_target", "nodes[1].parameters.if_false")},
        ),
        (
            "routes: [{when: a > 1, to: c}], default: b",
            "{from: r, to: b}, {from: b, to: c}",
            {("wrong_router_target", "nodes[1].parameters.routes[0].to")},
        ),
        (
            "if_true: b, if_false: c",
            "{from: r, to: b}, {from: r, to: c}",
            {("missing_parameter", "nodes[1].parameters")},
        ),
        (
            "condition: a > 1, if_true: b, routes: [{when: a, to: c}]",
            "{from: r, to: b}, {from: r, to: c}",
            {("contradictory_router", "nodes[1].parameters")},
        ),
    ],
)
def test_routers_lead_where_their_edges_do(
    rules: Rules, parameters: str, edges: str, expected: set[tuple[str, str]]
) -> None:
    """Targets are successors, every edge is named by a route, labels on the edges are free."""
    assert rules(ROUTER % (parameters, edges)) == expected


@pytest.mark.parametrize(
    ("edge", "rule", "path"),
    [
        ("condition: a.x, type: parallel", "contradictory_edge", "edges[0].type"),
        ("type: conditional", "missing_condition", "edges[0]"),
        ("condition: ''", "condition_syntax", "edges[0].condition"),
    ],
)
def test_an_edge_does_not_contradict_itself(rules: Rules, edge: str, rule: str, path: str) -> None:
    """Type and condition of an edge agree."""
    text = graph("", nodes="ab").replace("edges: []", f"edges: [{{from: a, to: b, {edge}}}]")
    assert rules(text) == {(rule, path)}


@pytest.mark.parametrize("edges", ["ab ac bd cd ce", "ab ac bc"])
def test_the_shape_is_asked_when_the_graph_is_sound(rules: Rules, edges: str) -> None:
    """What `decompose` cannot read is a problem of the check, and only that."""
    found = rules(graph(edges, nodes="abcde" if "e" in edges else "abc"))
    assert {rule for rule, _ in found} <= {"tangled_branches"}
    assert ("tangled_branches", "edges") in found or edges == "ab ac bc"
