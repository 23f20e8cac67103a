"""English to a specification: the stages one after the other, and the questions that remain.

The same text gives the same specification: no model, no network, no clock. What the text leaves
open becomes an input of the workflow or a question, never a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiler.english.arranging import read_program
from compiler.english.clauses import cut
from compiler.english.draft import Draft, Question, unknown_id
from compiler.english.graph_draft import NodeText, TooManyNodes
from compiler.english.language import is_english
from compiler.english.lexicon import lexicon
from compiler.english.losses import Told, losses
from compiler.english.naming import workflow_name
from compiler.english.normalise import MAX_CHARACTERS, Text, normalise
from compiler.english.own_agents import NONE, Own, unknown_in
from compiler.english.program import Program, steps_of
from compiler.english.prose import instructions
from compiler.english.ready_agents import ready_agents
from compiler.english.schedule import find_schedule
from compiler.english.starts import Start
from compiler.english.triggers import find_start
from compiler.english.verbs import strip_leading
from compiler.english.weave import Weaver
from compiler.specification import Specification, Trigger

_EXAMPLES = (
    "Scrape the reviews at https://example.com → analyze the sentiment of each review → "
    "generate a report → email the report to me",
    "Check https://example.com every 5 minutes. If it is down, send an alert to Slack, "
    "otherwise log to the database",
    "Every Monday at 9, summarize the open GitHub issues and email the summary to me@example.com",
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was understood of a description."""

    specification: Specification | None
    """None when no workflow can be built at all."""
    questions: tuple[Question, ...]
    steps: tuple[NodeText, ...]
    """Which words became which node, in order."""
    judges: frozenset[str] = frozenset()
    """Nodes that only answer the question of the router after them."""
    copies: frozenset[str] = frozenset()
    """Nodes that stand once more for a way that cannot meet the others."""


def parse(
    text: str,
    name: str | None = None,
    answers: Mapping[str, str] | None = None,
    own: Own = NONE,
) -> Parsed:
    """Turn a description into a specification and the questions that it leaves open.

    Args:
        text: The description in English.
        name: The workflow's name; without it a title is made of the text.
        answers: Answers by question id, from an earlier parse of the same text.
        own: The organization's agents that the text may name.

    Returns:
        The specification, to be created only once no question is required any more.
    """
    given = dict(answers or {})
    text = given.pop("description", "") or text
    if len(text) > MAX_CHARACTERS:
        return _nothing(
            f"The description has {len(text)} characters; say it in at most {MAX_CHARACTERS}."
        )
    if not is_english(text):
        return _nothing("I read English only.")
    marked = normalise(text, own)
    start = find_start(instructions(marked.marked).strip(), marked.marked)
    program = _program(start.rest, marked, given)
    if all(step.guessed for step in steps_of(program.parts)):
        return _nothing("I found no step that I know in this text. Say what to do, step by step.")
    draft = Draft(given)
    for name_of_input in re.findall(
        r"\{input\.(\w+)", " ".join(literal.value for literal in marked.literals)
    ):
        draft.input(name_of_input, name_of_input.replace("_", " ").capitalize(), {})
    weaver = Weaver(draft, marked, start.subject)
    try:
        weaver.weave(program.parts)
    except TooManyNodes:
        return _nothing("This is more than one workflow can hold.")
    trigger = _trigger(start, draft)
    _ask_about_unknown(program, marked, draft)
    _ask_about_agents(marked, draft)
    specification = _specification(weaver, trigger, program, text, name)
    written = [step.text for step in weaver.graph.texts]
    asked = [marked.restore(clause.text) for clause in program.unknown]
    told = Told(marked.marked, start.rest, (*written, *asked), start.second)
    draft.questions.extend(losses(told, specification))
    return Parsed(
        specification,
        tuple(draft.questions),
        tuple(weaver.graph.texts),
        frozenset(weaver.judges),
        frozenset(weaver.copies),
    )


def _nothing(reason: str) -> Parsed:
    question = Question(
        "description",
        f"{reason} A sentence like one of these works.",
        "description",
        _EXAMPLES,
        required=True,
    )
    return Parsed(None, (question,), ())


def _program(rest: str, marked: Text, answers: Mapping[str, str]) -> Program:
    """Read the program; parts that were explained in an answer are read in their new words."""
    clauses = []
    for clause in cut(rest):
        words = (clause.text, strip_leading(clause.text))
        ids = (unknown_id(marked.restore(text)) for text in words)
        answer = next((answers[found] for found in ids if found in answers), None)
        if answer and clause.kind == "action":
            replaced = normalise(answer)
            if not replaced.literals:
                clauses.extend(cut(replaced.marked))
                continue
        clauses.append(clause)
    return read_program(clauses, marked)


def _trigger(start: Start, draft: Draft) -> Trigger | None:
    if not start.needs_time:
        return start.trigger
    answer = draft.ask(
        "trigger.cron",
        "When should the workflow run?",
        default="",
        suggestions=("every day at 9", "every Monday at 9", "every hour"),
    )
    schedule = find_schedule(answer)
    if schedule is None or schedule.cron is None:
        return Trigger(kind="manual")
    return Trigger(kind="schedule", cron=schedule.cron, timezone=schedule.timezone)


def _ask_about_unknown(program: Program, marked: Text, draft: Draft) -> None:
    for clause in program.unknown:
        words = marked.restore(clause.text)
        if words.endswith(":"):
            continue
        listed = clause.separator not in ("sentence", "line")
        draft.questions.append(
            Question(
                unknown_id(words),
                f"I do not know how to do “{words}”. Which step is meant?",
                "description",
                ("scrape …", "summarize …", "email … to …"),
                required=listed,
            )
        )


def _ask_about_agents(marked: Text, draft: Draft) -> None:
    """Ask about agents that are called so and are none: nobody else should do their work."""
    blocks = {*lexicon().agents.values(), "router", "human_loop", "mcp", "workflow", "workers"}
    draft.questions.extend(
        Question(
            f"agent.{name}",
            f"There is no agent named {name}. Which one is meant?",
            "description",
            required=True,
        )
        for name in unknown_in(marked.marked, ready_agents(), blocks)
    )


def _specification(
    weaver: Weaver, trigger: Trigger | None, program: Program, text: str, name: str | None
) -> Specification:
    description = re.sub(r"\s+", " ", text).strip()
    schema = weaver.draft.state_schema()
    document: dict[str, Any] = {
        "metadata": {
            "name": name or workflow_name(program, description),
            "description": description,
        },
        "pattern": _pattern(weaver, text),
        "nodes": list(weaver.graph.nodes.values()),
        "edges": weaver.graph.edges,
    }
    if trigger:
        document["trigger"] = trigger
    if schema:
        document["state_schema"] = {"input": schema}
    return Specification.model_validate(document)


def _pattern(weaver: Weaver, text: str) -> str:
    nodes = weaver.graph.nodes.values()
    joined = {edge[end] for edge in weaver.graph.edges for end in ("from", "to")}
    if len(nodes) > 1 and not all(node["id"] in joined for node in nodes):
        return "orchestrator_worker"
    if any(node["agent"] == "router" for node in nodes):
        return "conditional"
    if re.search(
        r"\b(?:orchestrator|coordinators?|(?:orchestrat|coordinat)\w+ (?:[\w-]+"
        r" ){0,4}?(?:agents?|workers?)|several agents|multi-agent|agents work"
        r" together|supervis\w+ agent"
        r"|delegat\w+|sub-?agents?|(?:two|three|four|five|six|several|multiple|\d) (?:[\w-]+"
        r" )?(?:agents|workers)|planner (?:agent|llm)|worker agents?|specialist agents?)\b",
        text,
        re.IGNORECASE,
    ):
        return "orchestrator_worker"
    batched = re.search(r"\bin batches\b", text, re.IGNORECASE)
    if (
        any(node.get("pattern") == "map" for node in nodes)
        or weaver.joined
        or weaver.met
        or batched
    ):
        return "map_reduce"
    return "sequential"
