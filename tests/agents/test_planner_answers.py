"""Answers of any shape: each is used, or goes back, or is left; none breaks the planner."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from agents.planner import open_planner
from agents.planner_chain import PlannerSettings
from agents.planner_edits import EditAnswer, edit_job
from agents.planner_output import WorkflowAnswer
from agents.planner_plan import plan_job
from agents.planner_reading import Unfit
from agents.registry import builtin_registry
from tests.agents.model_server import Behaviour, Format, open_model_server
from tests.agents.planning import NAMES, TEXT, right, settings_of
from tests.agents.test_planner_edits import FAULTS, OPERATIONS
from tests.agents.website import Reply

SIGNATURES = builtin_registry().signatures()
VALUES: tuple[Any, ...] = (
    "", "a", "{", "{item}", "{summary}", "rate", "summarize", "ratings", "llm", "router", "map",
    "workers", "wait", "https://x.example", "x@y.example", "\x00", "\n", "0", "-1", "parameters",
    "failure", "for", "a" * 300, None, 0, -1, 10**9, 1.5, True, [], {}, [1], ["a"], {"a": 1},
)  # fmt: skip
FIELDS = ("pattern", "workers", "batch_size", "compensate", "default", "retry", "input_keys",
          "output_key", "condition", "type", "settings", "inputs", "required")  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values below a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(inner):
        yield (*path, key)
        if isinstance(item, dict | list):
            yield from places(item, (*path, key))


def mutated(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a document with a few values replaced, removed, added or moved."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 2, 3))):
        found = list(places(document))
        if not found:
            break
        *above, last = chance.choice(found)
        parent: Any = document
        for key in above:
            parent = parent[key]
        what = chance.random()
        if what < 0.2:
            del parent[last]
        elif what < 0.4 and isinstance(parent, dict):
            parent[chance.choice(FIELDS)] = copy.deepcopy(chance.choice(VALUES))
        else:
            parent[last] = copy.deepcopy(chance.choice(VALUES))
    return document


@pytest.mark.requirement("FR-1.2", "FR-1.4")
@pytest.mark.parametrize("seed", range(20))
def test_any_answer_is_used_or_goes_back(seed: int) -> None:
    """Of answers that are almost right none is an error of ours: the model is told, or it fits."""
    chance = random.Random(seed)  # noqa: S311
    former = WorkflowAnswer.model_validate(right()).specification(TEXT, None)
    plan = plan_job(TEXT, None, {}, None, SIGNATURES)
    edit = edit_job(TEXT, former, {}, SIGNATURES)
    edits: list[Any] = [{"operations": operations} for operations, _ in OPERATIONS]
    edits += [fault for fault, _ in FAULTS]
    for _ in range(60):
        planned = json.dumps(mutated(right(), chance))
        edited = json.dumps(mutated(chance.choice(edits), chance))
        try:
            plan.accept(WorkflowAnswer.model_validate_json(planned))
        except (ValidationError, Unfit) as told:
            assert str(told)
        try:
            edit.accept(EditAnswer.model_validate_json(edited))
        except (ValidationError, Unfit) as told:
            assert str(told)


def body(text: str) -> Behaviour:
    """An answer of the server with this body."""
    return lambda format, model: Reply(text, headers={"Content-Type": "application/json"})


@pytest.mark.requirement("FR-1.2")
@pytest.mark.parametrize("format", ["openai", "anthropic"])
@pytest.mark.parametrize(
    "text",
    [
        "null", "[]", "{}", '"x"', "", "<html>", '{"choices": []}', '{"choices": [{}]}',
        '{"error": {"message": "inside a success"}}', "[" * 50_000,
        '{"type": "message", "content": null, "model": "m", "usage": null}',
        '{"type": "message", "content": [{"type": "mystery"}], "model": "m", "usage": {}}',
    ],
)  # fmt: skip
async def test_any_body_leaves_the_text_to_offline(format: Format, text: str) -> None:
    """What is no answer of the provider at all, however it is shaped, is an answer by offline."""
    settings = PlannerSettings((NAMES[format],), seconds=30.0)
    async with open_model_server() as server:
        server.script(format, body(text))
        agents = builtin_registry().signatures
        async with open_planner(settings, settings_of(server), agents) as planner:
            planned = await planner.plan(TEXT)
    assert planned.specification is not None
    assert planned.reading.by == "offline"
    assert planned.reading.attempts[0].outcome in ("failed", "invalid")
