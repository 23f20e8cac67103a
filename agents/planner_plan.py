"""What models are asked for a description or an instruction, and which answers are accepted.

An answer is accepted when it passes the same check as a person's specification, and touches only
what the words name.
"""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.grounding import named_in, unnamed
from agents.planner_output import WorkflowAnswer, open_questions
from agents.planner_prompt import plan_instructions, plan_message
from agents.planner_reading import Job, Unfit
from compiler.check import check
from compiler.english.draft import Question
from compiler.english.own_agents import NONE, Own
from compiler.errors import Problem, SpecificationError
from compiler.signature import AgentSignature
from compiler.specification import Specification

TOLD_PROBLEMS = 12
"""How many problems a model is told of at once."""


@dataclass(frozen=True, slots=True)
class Made:
    """What an answer became."""

    specification: Specification | None
    """None: nothing can be built before the questions are answered."""
    questions: tuple[Question, ...]


def plan_job(
    text: str,
    name: str | None,
    answers: Mapping[str, str],
    read: Specification | None,
    agents: Mapping[str, AgentSignature],
    own: Own = NONE,
) -> Job[WorkflowAnswer, Made]:
    """Return what a model is asked for a description.

    Args:
        text: The description.
        name: The workflow's name; None: the model's.
        answers: Answers by question id.
        read: What the offline parser makes of the text.
        agents: The agents that its nodes may name.
        own: The organization's agents that the text may mean.
    """
    named = named_in(text, answers, read)
    known = with_own(agents, own)

    def accept(answer: WorkflowAnswer) -> Made:
        questions = open_questions(answer.questions, answers)
        if not answer.nodes:
            if not questions:
                raise Unfit("There are no nodes and no question. Plan the workflow, or ask.")
            return Made(None, questions)
        try:
            specification = answer.specification(text, name)
        except SpecificationError as error:
            raise unfit(error.problems) from error
        problems = check(specification, known) or unnamed(specification, named, known, own=own)
        if problems:
            raise unfit(problems)
        return Made(specification, questions)

    return Job(
        plan_instructions(text, agents), plan_message(text, answers, own), WorkflowAnswer, accept
    )


def with_own(agents: Mapping[str, AgentSignature], own: Own) -> Mapping[str, AgentSignature]:
    """Return the agents that an organization's nodes may name."""
    # It only reads them; those of the catalog are made when they are asked for.
    return ChainMap(dict(own.agents), agents) if own.agents else agents  # type: ignore[arg-type]


def unfit(problems: Sequence[Problem]) -> Unfit:
    """Return problems as a model is told to mend them."""
    told = [f"- {problem}" for problem in problems[:TOLD_PROBLEMS]]
    return Unfit("\n".join(["Mend each of these and answer again, with all of it:", *told]))
