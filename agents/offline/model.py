"""The offline model's answers: each task on the job's data, in the form that was asked for."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agents.offline import entities
from agents.offline.classify import classify, labels_named
from agents.offline.job import Job, Task
from agents.offline.keywords import keywords
from agents.offline.sentiment import judge, label_of
from agents.offline.shape import fields_named, fill, recognised, schema_of
from agents.offline.summary import summarize
from agents.offline.text import readable, shorten, subject

_MAX_CHARACTERS = 500_000
_PREPOSITION = re.compile(r"\b(?:about|from|in|of|on|for|that|which|who|with)\b", re.IGNORECASE)
_MOOD = re.compile(r"\b(?:positive|negative|neutral)\b", re.IGNORECASE)
_WORD_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}


class CannotDo(Exception):
    """The job needs a language model."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The output, and facts about how it was made."""

    output: Any
    facts: Mapping[str, Any] = field(default_factory=dict)


def answer(job: Job) -> Answer:
    """Do a job by classical means.

    Raises:
        CannotDo: It is not one of the tasks, or its data does not hold what is asked for.
    """
    if job.task is None:
        raise CannotDo(f"the job {job.named}")
    if not readable(job.data).strip():
        raise CannotDo(f"the job {job.named}, for there is no text to work on")
    return _TASKS[job.task](job)


def _sentiment(job: Job) -> Answer:
    if job.output_format == "json_array" and isinstance(job.data, list):
        return Answer([_judged(entry) for entry in job.data])
    judged = _judged_all(job.data) if isinstance(job.data, list) else _judged(job.data)
    if job.output_format == "json":
        return Answer(judged)
    if job.output_format == "json_array":
        return Answer([judged])
    return Answer(f"{judged['sentiment']} ({judged['score']}): {judged['text']}")


def _judged(entry: Any) -> dict[str, Any]:
    text = subject(entry)
    found = judge(text)
    return {"sentiment": found.label, "score": found.score, "text": shorten(text)}


def _judged_all(entries: list[Any]) -> dict[str, Any]:
    judged = [_judged(entry) for entry in entries]
    mean = round(sum(entry["score"] for entry in judged) / max(len(judged), 1), 2)
    counts = {
        label: sum(entry["sentiment"] == label for entry in judged)
        for label in ("positive", "neutral", "negative")
    }
    text = ", ".join(f"{count} {label}" for label, count in counts.items())
    return {"sentiment": label_of(mean), "score": mean, "counts": counts, "text": text}


def _keywords(job: Job) -> Answer:
    found = keywords(_text(job), _count(job, 10))
    names = [keyword.text for keyword in found]
    if job.output_format == "json":
        return Answer({"keywords": names})
    return Answer(_list_as(job, names))


def _entities(job: Job, kinds: Sequence[str] | None = None) -> Answer:
    text = _text(job)
    kinds = entities.kinds_named(job.instruction) if kinds is None else kinds
    found = {kind: entities.find(kind, text) for kind in kinds} or entities.find_all(text)
    facts = {"unsure": True} if not any(found.values()) else {}
    if job.output_format == "json" and len(found) == 1:
        return Answer(next(iter(found.values())), facts)
    if job.output_format == "json":
        return Answer(found, facts)
    if len(found) == 1 or job.output_format == "json_array":
        flat = list(dict.fromkeys(entry for entries in found.values() for entry in entries))
        return Answer(_list_as(job, flat), facts)
    lines = [f"{kind.replace('_', ' ').capitalize()}: {', '.join(e)}" for kind, e in found.items()]
    return Answer(_list_as(job, lines), facts)


def _summary(job: Job) -> Answer:
    data = job.data
    text = "\n\n".join(subject(entry) for entry in data) if isinstance(data, list) else _text(job)
    chosen = summarize(text[:_MAX_CHARACTERS], _count(job, 3))
    if job.output_format == "json":
        names = [keyword.text for keyword in keywords(text[:_MAX_CHARACTERS], 5)]
        return Answer({"summary": " ".join(chosen), "key_points": chosen, "keywords": names})
    if job.output_format == "text" and "bullet" not in job.instruction.lower():
        return Answer(" ".join(f"{part}." if part[-1].isalnum() else part for part in chosen))
    return Answer(_list_as(job, chosen))


def _classification(job: Job) -> Answer:
    labels = list(job.labels) or labels_named(job.instruction)
    if len(labels) < 2:
        raise CannotDo(f"the job {job.named} without labels to choose from")
    if job.output_format == "json_array" and isinstance(job.data, list):
        chosen = [classify(subject(entry), labels) for entry in job.data]
        return Answer([{"label": c.label, "confidence": c.confidence} for c in chosen])
    if {label.lower() for label in labels} == {"yes", "no"}:
        return _verdict(job, labels)
    found = classify(subject(job.data), labels)
    facts = {"confidence": found.confidence, "unsure": found.unsure}
    if job.output_format == "json":
        return Answer({"label": found.label, "confidence": found.confidence}, facts)
    return Answer([found.label] if job.output_format == "json_array" else found.label, facts)


def _verdict(job: Job, labels: list[str]) -> Answer:
    """Answer yes or no; of all such questions only those about a mood can be judged."""
    asked = _MOOD.search(job.instruction)
    if not asked:
        raise CannotDo(f"the job {job.named}, a question that takes a reader")
    judged = _judged_all(job.data) if isinstance(job.data, list) else _judged(job.data)
    holds = judged["sentiment"] == asked.group().lower()
    label = next(label for label in labels if label.lower() == ("yes" if holds else "no"))
    facts = {"sentiment": judged["sentiment"], "score": judged["score"]}
    return Answer({"label": label} if job.output_format == "json" else label, facts)


def _shape(job: Job) -> Answer:
    schema = job.json_schema
    if schema is None:
        fields = fields_named(job.instruction)
        if not fields and (kinds := entities.kinds_named(_object(job.instruction))):
            return _entities(job, kinds)
        if not fields:
            raise CannotDo(f"the job {job.named}")
        schema = schema_of(fields)
    filled = fill(schema, _text(job))
    if not _finds(schema) and not _holds(filled):
        raise CannotDo(f"the job {job.named}, for nothing of it stands in the text plainly")
    missing = [n for n, v in filled.items() if not _known(v)] if isinstance(filled, dict) else []
    facts: dict[str, Any] = {"unsure": True, "missing": missing} if missing else {}
    if job.output_format in ("text", "markdown") and job.json_schema is None:
        return Answer(_list_as(job, [f"{name}: {value}" for name, value in filled.items()]), facts)
    wraps = job.output_format == "json_array" and not isinstance(filled, list)
    return Answer([filled] if wraps else filled, facts)


def _object(instruction: str) -> str:
    """The words between the verb and the first preposition: what is to be extracted."""
    return _PREPOSITION.split(instruction, maxsplit=1)[0]


def _finds(schema: Mapping[str, Any]) -> bool:
    """Whether all that a schema asks for has a pattern, so that finding none is an answer."""
    names = list(schema.get("properties") or [])
    return bool(names) and all(map(recognised, names))


def _holds(filled: Any) -> bool:
    return any(map(_known, filled.values())) if isinstance(filled, dict) else bool(filled)


def _known(value: Any) -> bool:
    return value is not None and value != [] and value != {}


def _text(job: Job) -> str:
    return readable(job.data)[:_MAX_CHARACTERS]


def _list_as(job: Job, entries: list[str]) -> Any:
    if job.output_format in ("json", "json_array"):
        return entries
    if job.output_format == "markdown" or "bullet" in job.instruction.lower():
        return "\n".join(f"- {entry}" for entry in entries)
    return "\n".join(entries)


def _count(job: Job, default: int) -> int:
    """The number that an instruction names: `in 3 bullet points`, `top five keywords`."""
    for word in job.instruction.lower().replace("-", " ").split():
        if word in _WORD_NUMBERS:
            return _WORD_NUMBERS[word]
        if word.isdigit() and 1 <= int(word) <= 50:
            return int(word)
    return default


_TASKS: dict[Task, Callable[[Job], Answer]] = {
    "sentiment": _sentiment,
    "keywords": _keywords,
    "entities": _entities,
    "summarize": _summary,
    "classify": _classification,
    "extract": _shape,
}
