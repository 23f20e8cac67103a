"""What a prompt asks of the offline model: the task, and the data to do it on."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agents.offline.entities import kinds_named

Task = Literal["sentiment", "keywords", "entities", "summarize", "classify", "extract"]
OutputFormat = Literal["text", "json", "json_array", "markdown"]

# The order decides: what makes words of its own is refused before what a summary could answer.
_IMPOSSIBLE = re.compile(
    r"\b(?:translat\w*|rewrite|re-?phrase|paraphras\w*|poems?|stor(?:y|ies)|songs?|lyrics|jokes?|"
    r"haikus?|essays?|brainstorm\w*|invent|imagine|slogans?|taglines?|solve|debug|refactor|"
    r"write (?:code|a (?:function|program|script))|predict|forecast)\b",
    re.IGNORECASE,
)
_TASKS: tuple[tuple[Task, str], ...] = (
    ("sentiment", r"sentiments?|emotions?|moods?|tone|polarity|how (?:happy|satisfied|pleased)"),
    ("classify", r"classif\w+|categori[sz]\w*|labels?|triage|which (?:category|class|department)"),
    ("summarize", r"summar\w+|tl;?dr|digest|key points|main points|bullet points|condense|gist"),
    ("keywords", r"key ?words?|key ?phrases?|topics?|themes?|tags?|key terms"),
    ("summarize", r"insights?|report|overview|highlights|takeaways|findings|recap|brief"),
)
_EXTRACT = re.compile(
    r"\b(?:extract|find|list|identify|pull|get|collect|detect|parse|recogni[sz]e|gather|"
    r"entit(?:y|ies)|what (?:are|is))\b",
    re.IGNORECASE,
)
_SPLIT = re.compile(r":\s*\n+|\n\s*\n|:\s+")
_INSTRUCTION_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class Job:
    """What to do, on what, and in which form to answer."""

    task: Task | None
    instruction: str
    data: Any
    output_format: OutputFormat
    labels: tuple[str, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    data_in_prompt: bool = True
    """Whether the prompt shows the data; a language model must be given it otherwise."""

    @property
    def named(self) -> str:
        """The job in a few words of its author, for errors."""
        line = " ".join(self.instruction.split())
        return f"“{line[:80]}…”" if len(line) > 80 else f"“{line}”"


def understand(
    prompt: str,
    inputs: Mapping[str, Any],
    *,
    task: Task | None = None,
    output_format: OutputFormat = "text",
    labels: tuple[str, ...] = (),
    json_schema: Mapping[str, Any] | None = None,
    scope: Mapping[str, Any] | None = None,
) -> Job:
    """Read a prompt, in which the data may already stand.

    The data is the node's input when the prompt shows it (then its structure is kept), else a value
    of the scope that the prompt shows, else what stands in the prompt after the instruction, else
    the input all the same.
    """
    instruction, data, shown = _split(prompt, inputs, scope or {})
    found = task or _task(instruction, json_schema is not None, bool(labels))
    return Job(found, instruction, data, output_format, labels, json_schema, shown)


def _task(instruction: str, has_schema: bool, has_labels: bool) -> Task | None:
    if _IMPOSSIBLE.search(instruction):
        return None
    if has_schema:
        return "extract"
    if has_labels:
        return "classify"
    verb = _EXTRACT.search(instruction)
    matches = [
        (match.start(), task)
        for task, pattern in _TASKS
        if (match := re.search(rf"\b(?:{pattern})\b", instruction, re.IGNORECASE))
    ]
    if verb and kinds_named(instruction[verb.start() :]):
        earliest = min((start for start, _ in matches), default=len(instruction))
        if verb.start() < earliest and not any(task == "sentiment" for _, task in matches):
            return "entities"
    for task, _ in _TASKS:
        if any(task == other for _, other in matches):
            return task
    return (
        "entities"
        if verb and re.search(r"entit(?:y|ies)", instruction, re.I)
        else ("extract" if verb else None)
    )


def _split(
    prompt: str, inputs: Mapping[str, Any], scope: Mapping[str, Any]
) -> tuple[str, Any, bool]:
    # A map shows its item; searching the whole scope for each item would cost the square of it.
    found = _shown(prompt, inputs) or (_shown(prompt, scope) if "item" not in inputs else None)
    if found:
        return *found, True
    parts = _SPLIT.split(prompt, maxsplit=1)
    if len(parts) == 2 and parts[1].strip():
        head, tail = parts
        return head.strip()[:_INSTRUCTION_CHARACTERS], _structured(tail.strip()), True
    return prompt.strip()[:_INSTRUCTION_CHARACTERS], _whole_input(inputs), not inputs


def _shown(prompt: str, values: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the prompt without the longest value that it shows, and that value."""
    for value in _by_length(values):
        for shown in _renderings(value):
            if len(shown) > 1 and shown in prompt:
                return prompt.replace(shown, " ")[:_INSTRUCTION_CHARACTERS].strip(), value
    return None


def _by_length(inputs: Mapping[str, Any]) -> list[Any]:
    """The inputs and the fields of objects among them, the longest first."""
    values = list(inputs.values())
    for value in list(values):
        if isinstance(value, Mapping):
            values.extend(value.values())
    return sorted(values, key=lambda value: len(str(value)), reverse=True)


def _renderings(value: Any) -> Iterator[str]:
    """The ways in which a prompt may show a value."""
    if isinstance(value, str):
        yield value
        yield value.strip()
    elif isinstance(value, Mapping | list):
        yield json.dumps(value, ensure_ascii=False, default=str)
        yield json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":"))
        yield json.dumps(value, ensure_ascii=False, default=str, indent=2)
        yield str(value)


def _structured(text: str) -> Any:
    if text[:1] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _whole_input(inputs: Mapping[str, Any]) -> Any:
    if "item" in inputs:
        return inputs["item"]
    values = list(inputs.values())
    return values[0] if len(values) == 1 else dict(inputs) if values else ""
