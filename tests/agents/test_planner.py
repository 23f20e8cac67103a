"""The planner against servers that speak the providers' formats, and misbehave."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from agents import planner_chain
from agents.planner import Planner, open_planner
from agents.planner_chain import PlannerSettings
from agents.planner_reading import Planned, PlannerError
from agents.registry import builtin_registry
from agents.settings import AgentSettings
from tests.agents import model_server
from tests.agents.model_server import (
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    Behaviour,
    Format,
    ModelServer,
    answers,
    fails,
    open_model_server,
    says,
)
from tests.agents.planning import (
    MODELS,
    NAMES,
    OTHER,
    TEXT,
    right,
    settings_of,
    with_parameters,
)

AGENTS = builtin_registry().signatures
RIGHT = answers(right())
WRONG_SCHEMA = answers({"name": 3, "nodes": [{"agent": "llm"}]})
UNKNOWN_AGENT = answers(right(nodes=[{"id": "only", "agent": "telepathy"}], edges=[]))
FORMATS: tuple[Format, ...] = ("openai", "anthropic")

OpenPlanner = Callable[..., Any]


@pytest.fixture
async def server() -> AsyncIterator[ModelServer]:
    """The models' server."""
    async with open_model_server() as opened:
        yield opened


@pytest.fixture
async def planner(server: ModelServer) -> AsyncIterator[OpenPlanner]:
    """Opens planners whose chain has the formats that are named."""
    async with AsyncExitStack() as stack:

        async def opened(*formats: Format, **bounds: Any) -> Planner:
            names = tuple(NAMES[format] for format in formats)
            settings = PlannerSettings(names, **{"seconds": 30.0, **bounds})
            made = await stack.enter_async_context(
                open_planner(settings, settings_of(server), AGENTS)
            )
            await made.load()
            return made

        yield opened


def told(planned: Planned) -> list[tuple[str, str, int]]:
    """Return the models that were asked, with what came of it and how many answers they gave."""
    return [(one.model, one.outcome, one.used.rounds) for one in planned.reading.attempts]


@pytest.mark.requirement("FR-1.2", "FR-1.3")
@pytest.mark.parametrize("format", FORMATS)
async def test_a_model_reads_a_description(
    planner: OpenPlanner, server: ModelServer, format: Format
) -> None:
    """Its answer becomes the specification; tokens, cost and the model are told."""
    server.script(format, RIGHT)
    planned = await (await planner(format)).plan(TEXT)
    assert planned.specification is not None
    assert [node.id for node in planned.specification.nodes] == [
        node["id"] for node in right()["nodes"]
    ]
    assert planned.specification.metadata.description == TEXT
    reading = planned.reading.to_document()
    assert (reading["by"], reading["rounds"], reading["notes"]) == (MODELS[format], 1, [])
    assert reading["llm_tokens"] == INPUT_TOKENS + OUTPUT_TOKENS
    assert reading["cost_usd"] > 0
    assert reading["ms"] > 0


@pytest.mark.requirement("FR-1.2", "FR-1.4")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("faults", "hint"),
    [
        ([model_server.malformed], ""),
        ([says("Here is your workflow.")], ""),
        ([WRONG_SCHEMA, WRONG_SCHEMA], "string"),
        ([UNKNOWN_AGENT], "There is no agent `telepathy`."),
        ([answers(with_parameters("summarize", prompt="{nothing}"))], "nothing"),
        ([WRONG_SCHEMA, UNKNOWN_AGENT], "There is no agent `telepathy`."),
        ([answers({"name": "Nothing"})], "no nodes and no question"),
    ],
)
async def test_a_wrong_answer_is_repaired(
    planner: OpenPlanner, server: ModelServer, format: Format, faults: list[Behaviour], hint: str
) -> None:
    """What is wrong goes back to the same model, and its later answer is used."""
    server.script(format, *faults, RIGHT)
    planned = await (await planner(format)).plan(TEXT)
    rounds = len(faults) + 1
    assert told(planned) == [(MODELS[format], "answered", rounds)]
    assert planned.reading.to_document()["llm_tokens"] == rounds * (INPUT_TOKENS + OUTPUT_TOKENS)
    assert len(server.asked) == rounds
    assert hint in str(server.of(format)[-1]["messages"][-1])


FAULTS: list[tuple[Behaviour, str, int]] = [
    (WRONG_SCHEMA, "invalid", 3),
    (UNKNOWN_AGENT, "invalid", 3),
    (model_server.malformed, "invalid", 3),
    (fails(429, Retry_After="30"), "limited", 0),
    (fails(500), "failed", 0),
    (fails(401), "denied", 0),
    (fails(404), "denied", 0),
    (model_server.refuses, "refused", 1),
    (model_server.is_garbage, "failed", 0),
]


@pytest.mark.requirement("FR-1.2")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(("fault", "outcome", "rounds"), FAULTS)
async def test_the_second_model_reads_what_the_first_cannot(
    planner: OpenPlanner, server: ModelServer, format: Format, fault: Behaviour, outcome: str,
    rounds: int,
) -> None:  # fmt: skip
    """A model that fails is left at once, asked no oftener than it may repair, and it is told."""
    second = OTHER[format]
    server.script(format, fault)
    server.script(second, RIGHT)
    planned = await (await planner(format, second)).plan(TEXT)
    assert told(planned) == [(MODELS[format], outcome, rounds), (MODELS[second], "answered", 1)]
    assert planned.reading.by == MODELS[second]
    [note] = planned.reading.to_document()["notes"]
    assert note.startswith(MODELS[format])
    assert len(server.of(format)) == max(1, rounds)


@pytest.mark.requirement("FR-1.2", "NFR-1.1")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("fault", [model_server.stalls, model_server.stops_half_way])
async def test_a_silent_model_leaves_time_for_the_second(
    planner: OpenPlanner, server: ModelServer, format: Format, fault: Behaviour,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Neither a request without an answer nor half an answer takes the whole deadline."""
    monkeypatch.setattr(planner_chain, "SHARE", 0.05)
    second = OTHER[format]
    server.script(format, fault)
    server.script(second, RIGHT)
    planned = await (await planner(format, second, seconds=30.0)).plan(TEXT)
    assert told(planned) == [(MODELS[format], "late", 0), (MODELS[second], "answered", 1)]
    assert planned.reading.ms < 30_000


@pytest.mark.requirement("FR-1.2", "NFR-1.1")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "fault", [*(fault for fault, _, _ in FAULTS), model_server.stalls, model_server.stops_half_way]
)
async def test_offline_reads_what_no_model_can(
    planner: OpenPlanner, server: ModelServer, format: Format, fault: Behaviour
) -> None:
    """The offline parser has the last turn within the deadline; the answer says why."""
    server.script(format, fault)
    planned = await (await planner(format, seconds=1.5)).plan(TEXT)
    assert planned.specification is not None
    assert planned.reading.by == "offline"
    assert len(planned.reading.to_document()["notes"]) == 1


@pytest.mark.requirement("FR-1.2")
@pytest.mark.parametrize("format", FORMATS)
async def test_whoever_insists_on_a_model_gets_its_error(
    planner: OpenPlanner, server: ModelServer, format: Format
) -> None:
    """Nobody else reads the text then; the error says why, and carries what it cost."""
    server.script(format, UNKNOWN_AGENT)
    server.script(OTHER[format], RIGHT)
    reader = await planner(OTHER[format])
    with pytest.raises(PlannerError, match="There is no agent `telepathy`") as caught:
        await reader.plan(TEXT, only=NAMES[format])
    assert [one.outcome for one in caught.value.reading.attempts] == ["invalid"]
    assert caught.value.reading.attempts[0].used.rounds == 3
    assert server.of(OTHER[format]) == []


@pytest.mark.parametrize("format", FORMATS)
async def test_the_last_model_is_asked_again_when_it_says_when(
    planner: OpenPlanner, server: ModelServer, format: Format
) -> None:
    """A short Retry-After of the last model is waited for, since nothing better comes after it."""
    server.script(format, fails(429, Retry_After_Ms="200"), RIGHT)
    planned = await (await planner(format, seconds=30.0)).plan(TEXT)
    assert told(planned) == [(MODELS[format], "limited", 0), (MODELS[format], "answered", 1)]


@pytest.mark.requirement("USER.20")
@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("bound", [{"max_tokens": 1500}, {"max_cost_usd": 0.000001}])
async def test_tokens_and_cost_have_bounds(
    planner: OpenPlanner, server: ModelServer, format: Format, bound: dict[str, float]
) -> None:
    """A model that comes to the bound is left, though it may repair its answer."""
    server.script(format, UNKNOWN_AGENT, UNKNOWN_AGENT, RIGHT)
    planned = await (await planner(format, **bound)).plan(TEXT)
    assert [one.outcome for one in planned.reading.attempts] == ["costly"]
    assert planned.reading.by == "offline"
    assert len(server.asked) < 3


@pytest.mark.requirement("NFR-5.5")
async def test_what_a_late_model_used_before_is_counted(
    planner: OpenPlanner, server: ModelServer
) -> None:
    """A model that is silent after its first answer has been paid for that one."""
    server.script("openai", UNKNOWN_AGENT, model_server.stalls)
    planned = await (await planner("openai", seconds=5.0)).plan(TEXT)
    assert told(planned) == [(MODELS["openai"], "late", 1)]
    assert planned.reading.to_document()["llm_tokens"] == INPUT_TOKENS + OUTPUT_TOKENS
    assert planned.reading.by == "offline"


async def test_a_model_asks_what_the_text_leaves_open(
    planner: OpenPlanner, server: ModelServer
) -> None:
    """Its questions are told; one that was answered is not asked again."""
    question = {"field": "tell_support.to", "text": "Who is told?", "suggestions": ["a@b.example"]}
    server.script("openai", answers(right(questions=[question])))
    reader = await planner("openai")
    planned = await reader.plan(TEXT)
    assert [(one.id, one.text, one.required) for one in planned.questions] == [
        ("tell_support.to", "Who is told?", True)
    ]
    answered = await reader.plan(TEXT, None, {"tell_support.to": "ops@b.example"})
    assert answered.questions == ()
    assert "ops@b.example" in server.of("openai")[-1]["messages"][-1]["content"]


async def test_a_text_without_a_workflow_is_a_question(
    planner: OpenPlanner, server: ModelServer
) -> None:
    """A model may answer that there is nothing to plan, by asking what is meant."""
    question = {"field": "description", "text": "What should happen?"}
    server.script("openai", answers({"name": "Hello", "questions": [question]}))
    planned = await (await planner("openai")).plan("Hello there")
    assert planned.specification is None
    assert [one.id for one in planned.questions] == ["description"]
    assert planned.reading.by == MODELS["openai"]


async def test_offline_asks_no_model(planner: OpenPlanner, server: ModelServer) -> None:
    """`offline` reads as if no model were configured."""
    planned = await (await planner("openai")).plan(TEXT, offline=True)
    assert (planned.reading.by, planned.reading.attempts) == ("offline", ())
    assert server.asked == []


async def test_a_name_replaces_the_model_s(planner: OpenPlanner, server: ModelServer) -> None:
    """The workflow is called as the request says."""
    server.script("openai", RIGHT)
    planned = await (await planner("openai")).plan(TEXT, "Mine")
    assert planned.specification is not None
    assert planned.specification.metadata.name == "Mine"


@pytest.mark.parametrize(
    ("models", "default", "chain"),
    [
        (None, None, ("gpt-4", "claude-sonnet")),
        (None, "qwen", ("qwen", "gpt-4")),
        (None, "offline", ()),
        (("claude-opus", "offline", "gpt-4"), None, ("claude-opus",)),
        (("offline",), None, ()),
    ],
)
async def test_the_chain_is_a_setting(
    server: ModelServer, models: tuple[str, ...] | None, default: str | None, chain: tuple[str, ...]
) -> None:
    """Without one the configured providers' default models are asked, two at most."""
    settings = replace(settings_of(server), default_model=default)
    async with open_planner(
        PlannerSettings(models), settings, builtin_registry().signatures
    ) as opened:
        assert opened.models == chain


async def test_a_model_that_is_not_there_is_told(server: ModelServer) -> None:
    """An unknown name and a missing key are notes, and the next model reads."""
    server.script("openai", RIGHT)
    names = ("nobody-knows-it", "gemini", "openai:gpt-6.1-terra")
    settings = AgentSettings(anthropic_base_url=server.anthropic_url)
    async with open_planner(
        PlannerSettings(names, seconds=30.0), settings, builtin_registry().signatures
    ) as opened:
        planned = await opened.plan(TEXT)
    assert [one.outcome for one in planned.reading.attempts] == ["denied"] * 3
    notes = planned.reading.to_document()["notes"]
    assert "nobody-knows-it is not known" in notes[0]
    assert "GOOGLE_API_KEY" in notes[1]


def test_nothing_is_imported_without_a_provider() -> None:
    """Reading offline does not load what speaks to providers, nor does opening the planner."""
    code = (
        "import asyncio, sys\n"
        "from agents.planner import open_planner\n"
        "from agents.planner_chain import PlannerSettings\n"
        "from agents.settings import AgentSettings\n"
        "async def main():\n"
        "    agents = None\n"
        "    async with open_planner(PlannerSettings(), AgentSettings(), agents) as planner:\n"
        "        await planner.load()\n"
        "        print((await planner.plan('Scrape https://a.example')).reading.by)\n"
        "asyncio.run(main())\n"
        "print(sorted({'pydantic_ai', 'openai', 'anthropic', 'playwright'} & set(sys.modules)))\n"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["offline", "[]"]
