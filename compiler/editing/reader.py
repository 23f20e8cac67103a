"""What the readers of instructions share: the workflow, the answers, and the questions."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compiler.editing.finding import find_steps
from compiler.editing.operations import Operation
from compiler.english.draft import Question
from compiler.english.own_agents import NONE, Own
from compiler.specification import Node, Specification

EXAMPLES = (
    "Change step 2 to use GPT-3.5 instead of GPT-4",
    "Remove the last step",
    "After step 1, summarize it",
    "Run it every Monday at 9",
    "Send it to team@example.com instead",
)
"""What instructions look like, for whoever has to say one anew."""
_TO_A_STEP = re.compile(
    r"^(?:(?:the|a|an|another|one more|new) )*(?:step|node|task)s?"
    r"(?: that| which| to| for| where)* ",
    re.IGNORECASE,
)  # fmt: skip


class Open(Exception):
    """The instruction leaves something open; the question is asked already."""


@dataclass(slots=True)
class Reader:
    """One instruction's reading."""

    specification: Specification
    answers: Mapping[str, str]
    questions: list[Question] = field(default_factory=list)
    own: Own = NONE
    """The organization's agents that the instruction may name."""

    def step(self, words: str, among: Sequence[str] = (), least: float = 0.5) -> str:
        """Return the step that words mean.

        Args:
            words: As `find_steps` takes them.
            among: Only these, if any are given.
            least: Which share of the words must fit a step for it to be meant.

        Raises:
            Open: There is none, or there are several.
        """
        bare = said_of_a_step(words)
        found = find_steps(words, self.specification, among, least)
        if not found.node_ids and bare != words:
            found = find_steps(bare, self.specification, among, least)
        if found.one is not None:
            return found.one
        known = [node.id for node in self.specification.body]
        several = list(found.node_ids) or known
        text = (
            f"“{words}” may mean {_either(several)}. Which step is meant?"
            if found.node_ids
            else f"I find no step for “{words}”. Which one is meant?"
        )
        answer = self.ask(f"step.{slug(words)}", text, several)
        if answer not in known:
            answer = find_steps(answer, self.specification).one or ""
        if not answer:
            raise Open
        return answer

    def node(self, words: str, among: Sequence[str] = ()) -> Node:
        """Return the node of the step that words mean.

        Raises:
            Open: There is none, or there are several.
        """
        return self.specification.node(self.step(words, among))

    def one_of(self, id: str, text: str, node_ids: Sequence[str]) -> str:
        """Return the only one of some steps, or the one that an answer names.

        Raises:
            Open: There are several, and no answer yet.
        """
        if len(node_ids) == 1:
            return node_ids[0]
        return self.step(self.ask(id, text, node_ids), node_ids)

    def steps(self, words: str, least: float = 0.5) -> list[str]:
        """Return the steps that words list: one, or several joined by commas and `and`."""
        whole = find_steps(words, self.specification)
        parts = re.split(r",\s*(?:and\s+)?|\s+and\s+", words)
        if len(parts) == 1 or (whole.one and whole.exact):
            return [self.step(words, least=least)]
        numbers = re.match(r"(?:the )?(?:steps|nodes) (?=\d)", words, re.IGNORECASE)
        if numbers:
            parts = [f"step {part.removeprefix(numbers[0])}" for part in parts]
        return list(dict.fromkeys(self.step(part, least=least) for part in parts))

    def all_or_one(self, words: str, least: float = 0.5) -> list[str]:
        """Return the steps that words list; of several that they may mean, one or all of them."""
        found = find_steps(words, self.specification, least=least)
        if len(found.node_ids) < 2:
            return self.steps(words, least=least)
        answer = self.ask(f"step.{slug(words)}", f"“{words}” may mean {_either(found.node_ids)}. "
                          "Which step is meant?", [*found.node_ids, "all of them"])  # fmt: skip
        if answer.lower().startswith(("all", "both")):
            return list(found.node_ids)
        return [self.step(answer)]

    def about_inputs(self, words: str, names: Iterable[str]) -> list[Question]:
        """Return the questions whether names that words use are inputs, but for those answered."""
        known = self.specification.state_schema.input.get("properties", {})
        return [
            Question(
                f"input.{name}",
                f"No step before “{words}” makes the {name.replace('_', ' ')}. Is it an input of "
                "the workflow?",
                "description",
                ("an input",),
            )
            for name in names
            if name not in known and f"input.{name}" not in self.answers
        ]

    def ask(self, id: str, text: str, suggestions: Sequence[str]) -> str:
        """Return the answer to a question.

        Raises:
            Open: It has none yet.
        """
        if answer := self.answers.get(id, "").strip():
            return answer
        self.questions.append(Question(id, text, "description", tuple(suggestions[:10])))
        raise Open


Rule = tuple[re.Pattern[str], Callable[[Reader, re.Match[str]], list[Operation] | None]]
"""What a clause looks like, and what reads it; None: it is none of these, others may try."""


def rules(
    *pairs: tuple[str, Callable[[Reader, re.Match[str]], list[Operation] | None]],
) -> tuple[Rule, ...]:
    """Return rules whose patterns match a whole clause, in any case."""
    return tuple((re.compile(pattern, re.IGNORECASE), rule) for pattern, rule in pairs)


def _either(ids: Sequence[str]) -> str:
    shown = [f"`{id}`" for id in ids[:5]]
    return " or ".join(shown)


def slug(words: str) -> str:
    """Return words as a part of a question's id."""
    return "_".join(re.findall(r"[a-z0-9]+", words.lower())[:6]) or "text"


def said_of_a_step(words: str) -> str:
    """Return what `a step that …` is said to do."""
    return _TO_A_STEP.sub("", words.strip())
