"""Parameters of steps that change data: llm, data_processing, aggregator."""

import re
from typing import Any

from compiler.english.conditions import item_expression
from compiler.english.draft import Output, OutputKind, escaped, nouns_in
from compiler.english.lexicon import lexicon
from compiler.english.nouns import (
    BY_FIELD,
    is_plural,
    listed,
    noun_key,
    words_of,
)
from compiler.english.placing import Place, Written, output_key, output_noun
from compiler.english.prompts import prompt

_LABELS = re.compile(
    r"\b(?:as either|as|into|between|either|by whether it is)\s+(?P<labels>[^.;→]+)$", re.IGNORECASE
)
_NOT_LABELS = re.compile(
    r"\b(?:with|using|by|via|so that|and then|in parallel)\b.*$", re.IGNORECASE
)


def write_llm(place: Place) -> Written:
    """Return the parameters of an llm node."""
    step = place.step
    parameters: dict[str, Any] = {}
    if step.model:
        parameters["model"] = step.model
    shape, kind = _shape(place)
    noun = "details" if shape.get("task") == "extract" and "json_schema" in shape else None
    key = output_key(place, noun)
    task = shape.get("task")
    words = nouns_in(key, noun or output_noun(step, place.reading), *shape.pop("fields", ()))
    words |= frozenset({task}) if task == "sentiment" else frozenset()
    parameters["prompt"] = prompt(place)
    parameters.update(shape)
    kind = "list" if place.reading.mapped else kind
    return Written(parameters, Output(key, kind, words, place.node_id, place.reading.mapped, task))


def _shape(place: Place) -> tuple[dict[str, Any], OutputKind]:
    """Return the parameters that shape the answer, and what kind of value it is."""
    step = place.step
    words = set(words_of(step.phrase)) | {step.noun or ""}
    if step.action in ("analyze", "extract", "classify", "score") and words & lexicon().words(
        "tones"
    ):
        return {"output_format": "json", "task": "sentiment"}, "object"
    match step.action:
        case "extract":
            return _extraction(place, words)
        case "classify":
            return _classification(place)
        case "summarize":
            markdown = {"output_format": "markdown"} if "markdown" in step.words else {}
            return {**markdown, "task": "summarize"}, "text"
        case "score" if step.verb not in ("rank", "prioritize", "prioritise"):
            schema = {
                "type": "object",
                "properties": {"score": {"type": "number"}},
                "required": ["score"],
            }
            return {"output_format": "json", "json_schema": schema, "fields": ("score",)}, "number"
        case "score":
            return {"output_format": "json_array"}, "list"
        case "generate" if words & lexicon().words("writings"):
            return {"output_format": "markdown", "task": "summarize"}, "text"
    return {}, "text"


def _extraction(place: Place, words: set[str]) -> tuple[dict[str, Any], OutputKind]:
    fields = listed(place.step.rest)
    if words & lexicon().words("keyword_lists"):
        return {"output_format": "json_array", "task": "keywords"}, "list"
    if words & {"entities", "entity"}:
        return {"output_format": "json", "task": "entities"}, "object"
    if len(fields) == 1 and (
        is_plural(fields[0]) or fields[0].rpartition("_")[2] in lexicon().words("whole_texts")
    ):
        whole = not is_plural(fields[0])
        return {
            "output_format": "text" if whole else "json_array",
            "task": "extract",
        }, "text" if whole else "list"
    if not fields:
        return {"output_format": "json", "task": "extract"}, "object"
    properties = {name: _property(name) for name in fields}
    schema = {"type": "object", "properties": properties, "required": fields}
    shape = {
        "output_format": "json",
        "json_schema": schema,
        "task": "extract",
        "fields": tuple(fields),
    }
    return shape, "object"


def _property(name: str) -> dict[str, Any]:
    if name.rpartition("_")[2] in lexicon().words("numeric"):
        return {"type": ["number", "null"]}
    return (
        {"type": "array", "items": {"type": "string"}}
        if is_plural(name)
        else {"type": ["string", "number", "null"]}
    )


def _classification(place: Place) -> tuple[dict[str, Any], OutputKind]:
    labels = list(place.step.quotes) or labels_in(place.text.restore(place.step.marked))
    if len(labels) < 2:
        answer = place.draft.ask(
            f"{place.node_id}.labels",
            f"Which categories are there for “{place.step.text}”? Separate them by commas.",
            default="",
            required=False,
        )
        labels = [label.strip() for label in answer.split(",") if label.strip()]
    labels = [escaped(label) for label in labels]
    return ({"task": "classify", "labels": labels} if labels else {"task": "classify"}), "label"


def labels_in(text: str) -> list[str]:
    """Return the labels that a sentence lists: "as spam, sales or support"."""
    match = _LABELS.search(text)
    if not match:
        return []
    parts = re.split(
        r",\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+|\s*/\s*", _NOT_LABELS.sub("", match["labels"])
    )
    labels = [
        re.sub(r"^(?:an?|the|either)\s+", "", part.strip(" \"'."), flags=re.IGNORECASE)
        for part in parts
    ]
    return list(dict.fromkeys(label for label in labels if 0 < len(label) <= 60))


def write_data_processing(place: Place) -> Written:
    """Return the parameters of a data_processing node."""
    step = place.step
    writer = {"filter": _filter, "sort": _sort, "dedupe": _dedupe}.get(step.action, _transform)
    parameters = writer(place)
    outputs = place.reading.outputs
    if (
        outputs
        and not place.reading.mapped
        and (len(outputs) > 1 or outputs[0].value not in place.reading.keys)
    ):
        parameters["data"] = f"{{{outputs[-1].value}}}"
    source = place.reading.outputs[-1] if place.reading.outputs else None
    key = output_key(place)
    words = nouns_in(key) | (source.words if source and step.action != "transform" else frozenset())
    kind: OutputKind = "text" if parameters.get("output_format") in ("csv", "text") else "list"
    return Written(parameters, Output(key, kind, words, place.node_id, place.reading.mapped))


def _filter(place: Place) -> dict[str, Any]:
    step = place.step
    count = step.count or 0
    if step.verb in ("select", "pick", "choose", "keep", "limit") and count:
        return {"operation": "transform", "limit": count}
    where = item_expression(place.text.restore(step.rest))
    if (where and step.verb in ("exclude", "drop", "discard")) or (
        where and re.match(r"out\b", step.rest)
    ):
        where = f"not ({where})"
    if not where:
        where = place.draft.ask(
            f"{place.node_id}.where",
            f"Which items does “{step.text}” keep? Give a condition on `item`.",
            default="True",
            suggestions=("item.rating < 3", "len(item) > 0"),
        )
    return {"operation": "filter", "where": where}


def _sort(place: Place) -> dict[str, Any]:
    by = BY_FIELD.search(place.step.rest)
    parameters: dict[str, Any] = {"operation": "sort"}
    if by and (field := noun_key(by["field"])):
        parameters["sort_by"] = field
    else:
        parameters["script"] = "return sorted(data)"
    if place.step.words & {
        "descending",
        "highest",
        "newest",
        "largest",
        "latest",
        "most",
        "desc",
        "top",
    }:
        parameters["descending"] = True
    return parameters


def _dedupe(place: Place) -> dict[str, Any]:
    by = BY_FIELD.search(place.step.rest)
    field = noun_key(by["field"]) if by else None
    return {"operation": "dedupe", "field": field} if field else {"operation": "dedupe"}


def _transform(place: Place) -> dict[str, Any]:
    step = place.step
    target = next((name for name in ("csv", "json", "text") if name in step.words), None)
    if target and step.verb in (
        "convert",
        "transform",
        "format",
        "turn",
        "export",
        "save",
        "store",
        "encode",
        "write",
    ):
        return {"operation": "transform", "output_format": target}
    if step.verb in ("clean", "normalize", "normalise", "flatten"):
        return {"operation": "dedupe"} if step.verb == "clean" else {"operation": "transform"}
    script = place.draft.ask(
        f"{place.node_id}.script",
        f"How is “{step.text}” computed? Give Python over `data`, such as `return len(data)`.",
        default="return data",
        suggestions=("return data",),
    )
    return {
        "operation": "transform",
        "script": script if "return" in script else f"return {script}",
    }
