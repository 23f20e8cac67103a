"""English instructions to edits: “Change step 2 to use GPT-3.5 instead of GPT-4”.

The same text gives the same edits: no model, no network, no clock. What may mean several things,
or nothing that is known, comes back as a question with suggested answers, never as a guess.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compiler.diff import diff
from compiler.editing import replacing, step_rules, value_rules
from compiler.editing.operations import (
    CannotEdit,
    Operation,
    RemoveStep,
    SetField,
    apply,
)
from compiler.editing.reader import EXAMPLES, Open, Reader
from compiler.editing.renaming import EXPRESSIONS
from compiler.english.draft import Question
from compiler.errors import SpecificationError
from compiler.specification import Specification

MAX_CHARACTERS = 2000
MAX_OF_A_CLAUSE = 400
"""One edit is said in fewer; the patterns that read it look at all ways to cut it."""
_POLITE = re.compile(
    r"^(?:(?:please|could you|can you|would you|let'?s|now|ok|okay|i(?:'d| would) like to"
    r"|i want to|we (?:should|want to)|you should)[ ,]+)+",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"(?:\s*[;\n]\s*|\.\s+(?=[A-Za-z])|,?\s+and\s+(?:then |also )?"
    r"(?=(?:remove|delete|rename|replace|change|set|move|use|add)\b))",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|`[^`]*`|(?<!\w)'[^']*'(?!\w)")
_ALONE = re.compile(
    r"(?:rename|call) (?:the |this )?workflow (?:to |as )?(?P<name>.+)", re.IGNORECASE
)


def _name(_: Reader, match: re.Match[str]) -> list[Operation]:
    return [SetField(None, ("metadata", "name"), match["name"].strip(" `'\"“”"))]


_RULES = (
    (_ALONE, _name),
    *value_rules.RULES,
    *replacing.RULES,
    *step_rules.RULES,
)


@dataclass(frozen=True, slots=True)
class Edited:
    """What was understood of an instruction."""

    specification: Specification | None
    """The workflow as it would be; None: the instruction is not understood yet."""
    questions: tuple[Question, ...]
    operations: tuple[Operation, ...]


def read_edit(
    text: str, specification: Specification, answers: Mapping[str, str] | None = None
) -> Edited:
    """Turn an instruction into edits of a specification, and make them.

    Args:
        text: What to change, in English.
        specification: The workflow as it is.
        answers: Answers by question id, from an earlier reading of the same text.

    Returns:
        The specification as it would be, to be used only once no question is required any more.
    """
    given = dict(answers or {})
    text = (given.pop("instruction", "") or text).strip().replace("\u2019", "'")
    if len(text) > MAX_CHARACTERS:
        return _nothing(f"The instruction has more than {MAX_CHARACTERS} characters.")
    made: list[Operation] = []
    questions: list[Question] = []
    current = specification
    clauses = _clauses(text)
    if any(len(clause) > MAX_OF_A_CLAUSE for clause in clauses):
        return _nothing(f"One change is said in at most {MAX_OF_A_CLAUSE} characters.")
    for clause in clauses:
        reader = Reader(current, given)
        try:
            operations = _read(reader, clause)
            if not operations:
                return _nothing(f"I do not know what “{clause}” changes.")
            current = _applied(reader, operations)
        except Open:
            return Edited(None, (*questions, *reader.questions), tuple(made))
        except (CannotEdit, SpecificationError) as error:
            return _nothing(f"“{clause}” cannot be done: {error}")
        made += operations
        questions += reader.questions
    if not made or not diff(specification, current):
        return _nothing("This changes nothing.")
    return Edited(current, tuple(questions), tuple(made))


def _nothing(reason: str) -> Edited:
    text = f"{reason} A sentence like one of these works."
    return Edited(None, (Question("instruction", text, "description", EXAMPLES),), ())


def _clauses(text: str) -> list[str]:
    """Cut an instruction where another one begins, outside of quotes."""
    quotes: list[str] = []

    def keep(match: re.Match[str]) -> str:
        quotes.append(match[0])
        return f"\0{len(quotes) - 1}\0"

    masked = _QUOTED.sub(keep, text)
    parts = [
        re.sub(r"\0(\d+)\0", lambda match: quotes[int(match[1])], part)
        for part in _NEXT.split(masked)
    ]
    stripped = [_POLITE.sub("", part.strip(" \t\r\n,")) for part in parts]
    return [one for part in stripped if (one := re.sub(r"(?: please)?[.!]*$", "", part))]


def _read(reader: Reader, clause: str) -> list[Operation] | None:
    for pattern, rule in _RULES:
        match = pattern.fullmatch(clause)
        if match and (operations := rule(reader, match)):
            return operations
        # What a rule asked that did not fit in the end is nobody's question.
        reader.questions.clear()
    return None


def _applied(reader: Reader, operations: Sequence[Operation]) -> Specification:
    """Make edits, and ask what those read who read the result of a step that goes."""
    removed = {one.node_id for one in operations if isinstance(one, RemoveStep)}
    mended: list[Operation] = []
    for id in removed:
        mended += _mend_readers(reader, reader.specification.node(id).key, id, removed)
    return apply(reader.specification, [*mended, *operations])


def _mend_readers(reader: Reader, key: str, removed: str, all_removed: set[str]) -> list[Operation]:
    edits: list[Operation] = []
    others = [node for node in reader.specification.nodes if node.id not in all_removed]
    if any(node.key == key for node in others):
        return []
    for node in others:
        left = [name for name in node.input_keys if name.split(".")[0] != key]
        reads = _reads(node.parameters, key)
        if not reads and len(left) == len(node.input_keys):
            continue
        if reads or node.pattern == "map":
            ids = [one.id for one in reader.specification.nodes]
            earlier = [f"{{{one.key}}}" for one in others if ids.index(one.id) < ids.index(removed)]
            answer = reader.ask(
                f"instead.{node.id}.{key}",
                f"`{node.id}` reads the result of `{removed}`, which goes. What does it read "
                "instead, or is it to be removed as well?",
                [*earlier, "remove it as well"],
            )
            if answer.lower().startswith("remove"):
                edits.append(RemoveStep(node.id))
                continue
            new = answer.strip(" {}`")
            edits += _reading(node.id, node.parameters, ("parameters",), key, new)
            left = [new if name == key else name for name in node.input_keys]
        edits.append(SetField(node.id, ("input_keys",), left or None))
    return edits


def _reads(value: object, key: str, name: str = "") -> bool:
    """Whether parameters read a key, in templates or in code."""
    if isinstance(value, dict):
        return any(_reads(item, key, str(name)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return any(_reads(item, key, name) for item in value)
    if not isinstance(value, str):
        return False
    pattern = rf"\b{key}\b" if name in EXPRESSIONS else rf"\{{{key}(?=[.\[}}])"
    return re.search(pattern, value) is not None


def _reading(id: str, value: object, path: tuple[str, ...], old: str, new: str) -> list[Operation]:
    if isinstance(value, dict):
        return [edit for name, item in value.items()
                for edit in _reading(id, item, (*path, name), old, new)]  # fmt: skip
    if isinstance(value, list):
        return [edit for place, item in enumerate(value)
                for edit in _reading(id, item, (*path, str(place)), old, new)]  # fmt: skip
    if not isinstance(value, str):
        return []
    changed = re.sub(rf"\{{{old}(?:[.\[][^}}]*)?\}}", f"{{{new}}}", value)
    return [SetField(id, path, changed)] if changed != value else []
