"""English instructions to edits: “Change step 2 to use GPT-3.5 instead of GPT-4”.

The same text gives the same edits: no model, no network, no clock. What may mean several things,
or nothing that is known, comes back as a question with suggested answers, never as a guess.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from compiler.diff import diff
from compiler.editing import (
    adding_rules,
    condition_rules,
    field_rules,
    manner_rules,
    own_agent_rules,
    recipient_rules,
    replacing_rules,
    schedule_rules,
    settings_rules,
    source_rules,
    step_rules,
    value_rules,
    way_rules,
)
from compiler.editing.additions import beginning
from compiler.editing.chain import CannotEdit
from compiler.editing.cutting import clauses, halves
from compiler.editing.finding import find_steps, words_of
from compiler.editing.mending import applied, new_problems
from compiler.editing.operations import Operation, RemoveStep, SetField
from compiler.editing.reader import EXAMPLES, Open, Reader, Rule
from compiler.editing.rephrasing import of_the_step
from compiler.english.draft import Question
from compiler.english.own_agents import NONE, Own
from compiler.errors import SpecificationError
from compiler.specification import Specification

MAX_CHARACTERS = 2000
MAX_OF_A_CLAUSE = 400
"""One edit is said in fewer; the patterns that read it look at all ways to cut it."""
MAX_CLAUSES = 20


_CHANGES: tuple[Rule, ...] = (
    *own_agent_rules.RULES,
    *settings_rules.RULES,
    *schedule_rules.RULES,
    *recipient_rules.RULES,
    *field_rules.RULES,
    *value_rules.RULES,
    *source_rules.RULES,
    *manner_rules.RULES,
    *way_rules.RULES,
    *condition_rules.RULES,
    *replacing_rules.RULES,
    *step_rules.RULES,
)
_RULES = (*_CHANGES, *adding_rules.RULES)


@dataclass(frozen=True, slots=True)
class Edited:
    """What was understood of an instruction."""

    specification: Specification | None
    """The workflow as it would be; None: the instruction is not understood yet."""
    questions: tuple[Question, ...]
    operations: tuple[Operation, ...]


def read_edit(
    text: str,
    specification: Specification,
    answers: Mapping[str, str] | None = None,
    own: Own = NONE,
) -> Edited:
    """Turn an instruction into edits of a specification, and make them.

    Args:
        text: What to change, in English.
        specification: The workflow as it is.
        answers: Answers by question id, from an earlier reading of the same text.
        own: The organization's agents that the instruction may name.

    Returns:
        The specification as it would be, to be used only once no question is required any more.
    """
    given = dict(answers or {})
    text = (given.pop("instruction", "") or text).strip().replace("\u2019", "'")
    if len(text) > MAX_CHARACTERS:
        return _nothing(f"The instruction has more than {MAX_CHARACTERS} characters.")
    waiting = clauses(text)
    if any(len(clause) > MAX_OF_A_CLAUSE for clause in waiting) or len(waiting) > MAX_CLAUSES:
        return _nothing(f"One change is said in at most {MAX_OF_A_CLAUSE} characters, and at most "
                        f"{MAX_CLAUSES} at a time.")  # fmt: skip
    made: list[Operation] = []
    questions: list[Question] = []
    current = specification
    while waiting:
        clause, *waiting = [*_parts(current, waiting[0], own), *waiting[1:]]
        clause = of_the_step(clause, _spoken_of(made))
        if any(isinstance(one, RemoveStep) for one in made) and not (
            _ADDS.match(clause) or _changes(current, clause, own)
        ):
            # What is told after a step has gone is what is done now.
            clause = f"also {clause}"
        reader = Reader(current, given, own=own)
        try:
            operations = _read(reader, clause, _RULES)
            if not operations:
                return _nothing(f"I do not know what “{clause}” changes.")
            current = applied(reader, operations)
        except Open:
            if waiting and (answer := _answer(reader, waiting[0])):
                given |= answer
                waiting[0] = clause
                continue
            return Edited(None, (*questions, *reader.questions), tuple(made))
        except (CannotEdit, SpecificationError) as error:
            return _nothing(f"“{clause}” cannot be done: {error}")
        made += operations
        questions += reader.questions
    return _result(specification, current, made, questions)


def _spoken_of(made: Sequence[Operation]) -> str | None:
    """Return the step that the last edit changed, which “its” means."""
    return made[-1].node_id if made and isinstance(made[-1], SetField) else None


def _result(
    old: Specification, new: Specification, made: Sequence[Operation], questions: list[Question]
) -> Edited:
    if all(change.field == "description" for change in diff(old, new)):
        return _nothing("This changes nothing that is done.")
    problems = new_problems(old, new)
    if problems:
        return _nothing(f"This cannot be done so: {problems[0].message}")
    asked = {question.id: question for question in questions}
    return Edited(new, tuple(asked.values()), tuple(made))


def _nothing(reason: str) -> Edited:
    text = f"{reason} A sentence like one of these works."
    return Edited(None, (Question("instruction", text, "description", EXAMPLES),), ())


def _read(reader: Reader, clause: str, among: Sequence[Rule]) -> list[Operation] | None:
    for pattern, rule in among:
        match = pattern.fullmatch(clause)
        if match and (operations := rule(reader, match)):
            return operations
        # What a rule asked that did not fit in the end is nobody's question.
        reader.questions.clear()
    return None


def _parts(specification: Specification, clause: str, own: Own) -> list[str]:
    """Cut a clause in two where both sides change something, each by itself."""
    for left, right in halves(clause):
        beside = beginning(right) is None or adding_rules.changes_what_is_there(right)
        if beside and beginning(left) and _changes(specification, right, own) == "made":
            return [left, right]
        found = _changes(specification, left, own)
        # “…, just email it” only says what stays, unless the left side has a question about it.
        if not found or (found == "made" and _ONLY.match(right)):
            continue
        bare = _ONLY.sub("", right)
        named = found == "asked" and find_steps(bare, specification, least=0.7).one
        if named or beginning(bare) or _changes(specification, right, own):
            return [left, right]
        again = f"{left.partition(' ')[0]} {right}"
        if _SAME_VERB.match(left) and _changes(specification, again, own):
            return [left, again]
    return [clause]


def _changes(specification: Specification, clause: str, own: Own) -> Literal["", "made", "asked"]:
    """Whether words change what is there; a question that only they raise is one about that."""
    reader = Reader(specification, {}, own=own)
    try:
        operations = _read(reader, clause, _CHANGES)
        if operations:
            applied(reader, operations)
        return "made" if operations else ""
    except Open:
        return "asked" if reader.questions[-1].id.startswith(_OF_CHANGES) else ""
    except (CannotEdit, SpecificationError):
        return ""


_ADDS = re.compile(r"(?:also|add|insert|include|then|put)\b", re.IGNORECASE)
_ONLY = re.compile(r"^(?:just|only|simply|directly) ", re.IGNORECASE)
_ALWAYS = re.compile(
    r"\b(?:always|just|only|never|don't|do not|no|stop|skip|remove|drop)\b ?", re.IGNORECASE
)
_GONE = re.compile(r"(?:never|don't|do not|no|stop|skip|remove|drop)\b", re.IGNORECASE)
_SAME_VERB = re.compile(r"(?:rename|change|set|replace|move|raise|lower)\b", re.IGNORECASE)
_OF_CHANGES = ("instead.", "recipient", "mail", "trigger", "way.", "choice", "retry.")


def _way_answered(reader: Reader, question: Question, clause: str) -> dict[str, str]:
    """Return which way stays, by “…, and never log” or “…, always alert”."""
    words = _ALWAYS.sub("", clause)
    meant = find_steps(words, reader.specification, least=0.7).one
    named = [one for one in question.suggestions if meant and re.search(rf"\b{meant}\b", one)]
    alone = [one for one in question.suggestions if one.startswith("only ")]
    if _GONE.match(clause) and meant and not named and len(alone) == 1:
        return {question.id: alone[0]}
    kept = not _GONE.match(clause) and len(named) == 1
    return {question.id: named[0]} if kept else {}


def _answer(reader: Reader, clause: str) -> dict[str, str]:
    """Return what the next clause says to a question: “…, and email the sentiments directly”."""
    question = reader.questions[-1]
    if question.id.startswith("way."):
        return _way_answered(reader, question, clause)
    kind, _, rest = question.id.partition(".")
    node_id = rest.partition(".")[0]
    doing = find_steps(_ONLY.sub("", clause).split(" ", 1)[0], reader.specification).node_ids
    if kind != "instead" or node_id not in doing:
        return {}
    said = set(words_of(clause))
    named = [one for one in question.suggestions
             if one.startswith("{") and set(words_of(one)) & said]  # fmt: skip
    return {question.id: named[0]} if len(named) == 1 else {}
