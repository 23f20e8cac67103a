"""Edits that mend the edges, the routers and the references around them."""

from typing import Any

import pytest

from agents.registry import builtin_registry
from compiler.check import check
from compiler.editing.chain import CannotEdit
from compiler.editing.operations import (
    AddBeside,
    AddEdge,
    AddSteps,
    MoveStep,
    Operation,
    RemoveEdge,
    RemoveStep,
    RenameStep,
    ReplaceStep,
    SetField,
    SwapWays,
    apply,
)
from compiler.specification import Specification

AGENTS = builtin_registry().signatures()
CHAIN: dict[str, Any] = {
    "nodes": [
        {"id": "a", "agent": "aggregator"},
        {"id": "b", "agent": "llm", "parameters": {"prompt": "say"}},
        {"id": "c", "agent": "email",
         "parameters": {"to": "x@example.com", "subject": "s", "body": "{b}"}},
    ],
    "edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}],
}  # fmt: skip
ROUTED: dict[str, Any] = {
    "pattern": "conditional",
    "nodes": [
        {"id": "a", "agent": "llm", "parameters": {"prompt": "rate it"}},
        {"id": "r", "agent": "router",
         "parameters": {"condition": "a == 'good'", "if_true": "b", "if_false": "c"},
         "input_keys": ["a"]},
        {"id": "b", "agent": "aggregator"},
        {"id": "b2", "agent": "aggregator"},
        {"id": "c", "agent": "aggregator"},
    ],
    "edges": [{"from": "a", "to": "r"}, {"from": "r", "to": "b", "condition": "good"},
              {"from": "b", "to": "b2"}, {"from": "r", "to": "c", "condition": "bad"}],
}  # fmt: skip
NEW = {"id": "n", "agent": "aggregator"}


def made(document: dict[str, Any], *operations: Operation) -> Specification:
    """Make edits of a document whose result has no problem."""
    changed = apply(Specification.model_validate(document), operations)
    assert check(changed, AGENTS) == []
    return changed


def edges(specification: Specification) -> list[str]:
    """Return the edges as `a>b`, with their labels."""
    return [
        f"{edge.source}>{edge.target}" + (f":{edge.condition}" if edge.condition else "")
        for edge in specification.edges
    ]


@pytest.mark.requirement("FR-1.7")
@pytest.mark.parametrize(
    ("document", "operation", "expected"),
    [
        (CHAIN, AddSteps((NEW,), after="a"), ["n>b", "b>c", "a>n"]),
        (CHAIN, AddSteps((NEW,), before="a"), ["a>b", "b>c", "n>a"]),
        (CHAIN, AddSteps((NEW,)), ["a>b", "b>c", "c>n"]),
        (CHAIN, AddSteps((NEW, {**NEW, "id": "m"}), ({"from": "n", "to": "m"},), before="c"),
         ["a>b", "b>n", "m>c", "n>m"]),
        (CHAIN, RemoveStep("a"), ["b>c"]),
        (CHAIN, RemoveStep("c"), ["a>b"]),
        (CHAIN, MoveStep("a", after="c"), ["b>c", "c>a"]),
        (CHAIN, MoveStep("a", before="c"), ["b>a", "a>c"]),
        (ROUTED, RemoveStep("b"), ["a>r", "r>b2:good", "r>c:bad"]),
        (ROUTED, RemoveStep("c"), ["a>r", "r>b:good", "b>b2"]),
        (ROUTED, AddSteps((NEW,), before="c"), ["a>r", "r>b:good", "b>b2", "r>n:bad", "n>c"]),
        (ROUTED, MoveStep("b", after="b2"), ["a>r", "r>b2:good", "r>c:bad", "b2>b"]),
    ],
)  # fmt: skip
def test_edges_are_led_through_and_past(
    document: dict[str, Any], operation: Operation, expected: list[str]
) -> None:
    """A step that comes, goes or moves leaves a graph without problems."""
    assert edges(made(document, operation)) == expected


def test_routers_name_the_step_that_took_the_place_of_another() -> None:
    """`if_true` follows; a way that leads nowhere is taken out."""
    parameters = made(ROUTED, RemoveStep("b"), RemoveStep("c")).node("r").parameters
    assert parameters == {"condition": "a == 'good'", "if_true": "b2"}


@pytest.mark.requirement("FR-1.7")
def test_a_renamed_step_keeps_its_name_everywhere() -> None:
    """Edges, routers, templates, input keys and expressions name it anew; texts do not."""
    document = {**ROUTED, "nodes": [*ROUTED["nodes"][:4], {
        "id": "c", "agent": "llm",
        "parameters": {"prompt": "a {a} {{a}} {a.x} {ab}"}, "input_keys": ["a"]}]}  # fmt: skip
    changed = apply(Specification.model_validate(document), [RenameStep("a", "rating")])
    assert edges(changed)[0] == "rating>r"
    assert changed.node("r").parameters["condition"] == "rating == 'good'"
    assert changed.node("r").input_keys == ("rating",)
    assert changed.node("c").parameters["prompt"] == "a {rating} {{a}} {rating.x} {ab}"


def test_a_replaced_step_is_read_under_the_name_it_had() -> None:
    """Who reads the result of the former step reads that of the new one."""
    node = {"id": "fetch_text", "agent": "data_processing", "parameters": {"data": "x"}}
    changed = made(CHAIN, ReplaceStep("b", node))
    assert [one.id for one in changed.nodes] == ["a", "fetch_text", "c"]
    assert changed.node("fetch_text").output_key == "b"
    assert edges(changed) == ["a>fetch_text", "fetch_text>c"]


def test_inputs_of_new_steps_are_declared_beside_the_others() -> None:
    """An input that is there already is left as it is."""
    inputs = {"properties": {"url": {"type": "string"}, "q": {}}, "required": ["url"]}
    base = {**CHAIN, "state_schema": {"input": {"type": "object", "properties": {"q": {"a": 1}}}}}
    changed = apply(Specification.model_validate(base), [AddSteps((NEW,), inputs=inputs)])
    assert changed.state_schema.input == {
        "type": "object", "properties": {"q": {"a": 1}, "url": {"type": "string"}},
        "required": ["url"],
    }  # fmt: skip


def test_fields_are_set_and_taken_away() -> None:
    """Of nodes and of the workflow, at any depth."""
    changed = made(
        CHAIN,
        SetField("b", ("parameters", "model"), "small"),
        SetField("c", ("retry", "max_attempts"), 5),
        SetField(None, ("trigger",), {"kind": "schedule", "cron": "0 9 * * *"}),
    )
    assert changed.node("b").parameters == {"prompt": "say", "model": "small"}
    assert changed.node("c").retry.max_attempts == 5
    assert changed.trigger is not None
    assert apply(changed, [SetField(None, ("trigger",), None)]).trigger is None


def test_edges_come_and_go() -> None:
    """A way is added with its kind, and taken away; the others stay."""
    changed = apply(
        Specification.model_validate(CHAIN),
        [RemoveEdge("b", "c"), AddEdge("b", "c", type="failure"), AddEdge("a", "c")],
    )
    assert [(edge.source, edge.target, edge.type) for edge in changed.edges] == [
        ("a", "b", None), ("b", "c", "failure"), ("a", "c", None),
    ]  # fmt: skip


def test_an_element_of_a_list_is_set_and_taken_out() -> None:
    """A number in a path is a place; without a value the element goes, and the others move up."""
    mails = {"to": ["a@x.example", "b@x.example"], "subject": "s"}
    one = Specification.model_validate(
        {"nodes": [{"id": "a", "agent": "email", "parameters": mails}]}
    )
    path = ("parameters", "to", "0")
    changed = apply(one, [SetField("a", path, "c@x.example")])
    assert changed.nodes[0].parameters["to"] == ["c@x.example", "b@x.example"]
    assert apply(one, [SetField("a", path, None)]).nodes[0].parameters["to"] == ["b@x.example"]


@pytest.mark.parametrize(
    ("document", "operation", "message"),
    [
        (CHAIN, RemoveStep("x"), "no step `x`"),
        (ROUTED, RemoveStep("r"), "chooses between 2 ways"),
        (ROUTED, AddSteps((NEW,)), "several ends"),
        ({"nodes": [NEW]}, RemoveStep("n"), "only step"),
        (CHAIN, RenameStep("a", "b"), "already"),
        (CHAIN, MoveStep("a", after="a"), "itself"),
        (CHAIN, SetField("b", ("agent", "name"), "x"), r"no field `agent\.name`"),
        (CHAIN, SetField(None, ("edges", "9", "to"), "x"), r"no field `edges\.9\.to`"),
        (CHAIN, AddEdge("a", "b"), "an edge from `a` to `b` already"),
        (CHAIN, AddEdge("a", "x"), "no step `x`"),
        (CHAIN, RemoveEdge("c", "a"), "no edge from `c` to `a`"),
    ],
)
def test_what_does_not_fit_is_said(
    document: dict[str, Any], operation: Operation, message: str
) -> None:
    """The message says what stands in the way."""
    with pytest.raises(CannotEdit, match=message):
        apply(Specification.model_validate(document), [operation])


def test_a_step_runs_beside_another_between_the_same_ones() -> None:
    """It starts where that one starts and meets it where that one leads; ways lead to one step."""
    assert edges(made(CHAIN, AddBeside(NEW, "b"))) == ["a>b", "b>c", "a>n", "n>c"]
    with pytest.raises(CannotEdit, match="stands on a way of a choice"):
        apply(Specification.model_validate(ROUTED), [AddBeside(NEW, "b")])


def test_the_ways_of_a_choice_change_places() -> None:
    """The router and its edges agree; a choice with one way cannot."""
    changed = made(ROUTED, SwapWays("r"))
    assert edges(changed) == ["a>r", "r>c:good", "b>b2", "r>b:bad"]
    assert changed.node("r").parameters["if_true"] == "c"
    with pytest.raises(CannotEdit, match="no two ways"):
        apply(changed, [RemoveStep("c"), SwapWays("r")])


def test_steps_that_handle_a_failure_follow_it_alone() -> None:
    """The way that was there stays, and a failure edge leads to the new step."""
    changed = made(CHAIN, AddSteps((NEW,), after="b", on_failure=True))
    assert edges(changed) == ["a>b", "b>c", "b>n"]
    assert changed.edges[-1].type == "failure"


def test_a_choice_between_two_steps_goes_on_on_both_ways() -> None:
    """What it does not do is passed by."""
    router = {"id": "q", "agent": "router", "parameters": {"condition": "b == 'x'", "if_true": "n"}}
    edge = {"from": "q", "to": "n", "condition": "x"}
    for after, before in (("b", None), (None, "c")):
        changed = made(CHAIN, AddSteps((router, NEW), (edge,), after, before))
        assert changed.node("q").parameters["if_false"] == "c"
        assert sorted(edges(changed)) == ["a>b", "b>q", "n>c", "q>c:otherwise", "q>n:x"]


def test_several_steps_at_once_come_between_two() -> None:
    """Each is led to and from; a choice leads to one alone."""
    other = {**NEW, "id": "m"}
    changed = made(CHAIN, AddSteps((NEW, other), after="b"))
    assert sorted(edges(changed)) == ["a>b", "b>m", "b>n", "m>c", "n>c"]
    with pytest.raises(CannotEdit, match="one first and one last"):
        apply(Specification.model_validate(ROUTED), [AddSteps((NEW, other), before="b")])


def test_what_follows_a_question_to_a_person_waits_for_its_yes() -> None:
    """An approval that comes in between holds back what comes after it, and what it came after."""
    ask = {"id": "h", "agent": "human_loop",
           "parameters": {"message": "Well?", "approval_type": "approve_reject"}}  # fmt: skip
    changed = made(CHAIN, AddSteps((ask,), before="c"), AddSteps((NEW,), after="h"))
    assert sorted(edges(changed)) == ["a>b", "b>h", "h>n:h.approved", "n>c"]
