"""Parameters of aggregator nodes: reports, sums and joins over results."""

import re
from typing import Any

from compiler.english.draft import Output, OutputKind, escaped, nouns_in
from compiler.english.lexicon import lexicon
from compiler.english.nouns import BY_FIELD, noun_key, object_phrase, title_of, words_of
from compiler.english.placing import Place, Written, output_key
from compiler.inflection import singular

_AGGREGATIONS = {
    "average": "average",
    "mean": "average",
    "sum": "sum",
    "total": "sum",
    "count": "count",
    "maximum": "max",
    "minimum": "min",
    "group": "group",
}
_FINDINGS = frozenset({"classify", "entities", "extract", "keywords", "sentiment"})
"""What lists of different kinds come from: joined, each needs a heading of its own."""
_TONES = ("positive", "negative", "neutral")


def write_aggregator(place: Place) -> Written:
    """Return the parameters of an aggregator node."""
    words = place.step.words
    named = next((word for word in _AGGREGATIONS if word in words), None)
    if named:
        parameters, kind = _computed(place, named)
    elif words & lexicon().words("writings") or place.step.action in ("summarize", "generate"):
        title = noun_key(object_phrase(place.step.rest)) or "report"
        format_name = "text" if "text" in words else "markdown_report"
        parameters = {"aggregation": "summarize", "format": format_name}
        parameters["title"] = escaped(title_of(title))
        kind = "text"
    else:
        parameters, kind = _joined(place)
    sources = place.reading.outputs
    if any(source.value != source.key for source in sources):
        values = [f"{{{source.value}}}" for source in sources]
        parameters["data"] = values[0] if len(values) == 1 else values
    key = output_key(place, _noun(place, named, kind))
    return Written(parameters, Output(key, kind, nouns_in(key, "report"), place.node_id))


def _computed(place: Place, named: str) -> tuple[dict[str, Any], OutputKind]:
    """Return the parameters of a number over all results: "the average rating"."""
    aggregation = _AGGREGATIONS[named]
    sources = place.reading.outputs
    tone = next((word for word in _TONES if word in place.step.words), None)
    if aggregation == "count":
        if tone and sources and sources[-1].task == "sentiment":
            script = f"return len([r for r in results if r['sentiment'] == '{tone}'])"
            return {"aggregation": "count", "custom_script": script}, "number"
        if sources and sources[-1].task == "classify" and sources[-1].mapped:
            script = "return {label: results.count(label) for label in sorted(set(results))}"
            return {"aggregation": "count", "custom_script": script}, "object"
        return {"aggregation": "count"}, "number"
    field = _field(place)
    records = bool(sources) and sources[-1].kind in ("rows", "response")
    if field is None and records:
        field = place.draft.ask(
            f"{place.node_id}.field",
            f"Which field of the {sources[-1].noun} does “{place.step.text}” use?",
            default="value",
            suggestions=("amount", "price", "value"),
        )
    parameters = {"aggregation": aggregation, **({"field": field} if field else {})}
    return parameters, "object" if aggregation == "group" else "number"


def _joined(place: Place) -> tuple[dict[str, Any], OutputKind]:
    """Return the parameters of a plain join: a text or report of findings, else a list."""
    if any(output.kind == "text" for output in place.reading.outputs):
        return {"aggregation": "concat", "format": "text"}, "text"
    findings = [output for output in place.reading.outputs if output.task in _FINDINGS]
    if findings and len(place.reading.outputs) > 1:
        parameters = {"aggregation": "concat", "format": "markdown_report"}
        return {**parameters, "title": "Combined Results"}, "text"
    return {"aggregation": "concat"}, "list"


def _noun(place: Place, named: str | None, kind: OutputKind) -> str:
    if named:
        return "groups" if named == "group" else named
    own = noun_key(object_phrase(re.split(r"\binto\b", place.step.rest)[-1]))
    known = {word for output in place.reading.outputs for word in output.words}
    if own and own not in lexicon().generic and not nouns_in(own) <= known:
        return own
    return "report" if kind == "text" and place.step.action != "aggregate" else "combined_results"


def _field(place: Place) -> str | None:
    """Return the field to compute with: "the average rating", "group by country"."""
    by = BY_FIELD.search(place.step.rest)
    if by:
        return noun_key(by["field"])
    outputs = place.reading.outputs
    known = {word for output in outputs for word in output.words}
    words = words_of(re.sub(r"\bof\b", "", place.step.rest))
    fresh = [
        singular(word)
        for word in words
        if word not in {*_AGGREGATIONS, "number", *lexicon().generic}
        and singular(word) not in known
    ]
    return fresh[0] if fresh and outputs and not outputs[-1].mapped else None
