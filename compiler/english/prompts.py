"""The prompt of an llm step: the clause as an instruction, and the data that it is about."""

import re

from compiler.english.draft import Output, escaped
from compiler.english.lexicon import lexicon
from compiler.english.nouns import title_of, words_of
from compiler.english.placing import Place
from compiler.english.steps import model_of
from compiler.inflection import plural, singular

_WITH = re.compile(
    r",?\s*\b(?:with|using|via|by|through|use of)\s+(?:the |an? )?"
    r"(?P<tool>(?:[^,.;]|\.(?=\w))*?)(?=$|,|\s+(?:to|and|in|for|as|into|from)\b)",
    re.IGNORECASE,
)
_PRONOUN = re.compile(
    r"^(?P<verb>[\w-]+(?: (?:the )?[\w-]+ of)?) (?:it|them|this|that|these|those|the "
    r"(?:results?|output|data|content|text))\b",
    re.IGNORECASE,
)
_EACH = (
    r"\b(?:for )?(?:each|every|per|all(?: of)?)(?: (?:and every|single|individual|new|one of))?"
    r"(?: the| these| those)?"
)
_JOINTS = {
    "analyze": " of",
    "extract": " from",
    "score": "",
    "classify": "",
    "summarize": "",
    "translate": "",
}


def prompt(place: Place) -> str:
    """Return the prompt as a template: an instruction that names its data."""
    instruction = _instruction(place)
    outputs = place.reading.outputs
    if place.reading.mapped:
        first, *others = outputs
        text = f"{_about_one(instruction, place, first)}: {{{first.item}}}"
        return "\n\n".join([text, *(_section(output) for output in others)])
    if len(outputs) == 1:
        return _about_all(instruction, place, outputs[0])
    return "\n\n".join([f"{instruction}.", *(_section(output) for output in outputs)])


def _instruction(place: Place) -> str:
    """Return the clause as a command, without the words that name the model."""

    def without_model(match: re.Match[str]) -> str:
        words = set(re.findall(r"[a-z]+", match["tool"].lower()))
        return "" if words & lexicon().words("model_words") or model_of(match["tool"]) else match[0]

    text = _WITH.sub(without_model, place.step.marked)
    text = re.sub(r"\s{2,}", " ", text).strip(" ,.")
    first, _, rest = text.partition(" ")
    verb = lexicon().verbs.get(first.lower())
    named = verb is not None and verb.base == place.step.verb
    # "a translation to Polish" names the deed alone: its object is what came before.
    bare = re.match(r"(?:to|into|in|from|for|of)\b|$", place.step.rest)
    told = f"it {place.step.rest}".strip() if bare else f"the {place.step.rest}"
    text = f"{place.step.verb} {rest}".strip() if named else f"{place.step.verb} {told}"
    text = escaped(place.text.restore(text))
    for reference in place.step.inputs:
        text = text.replace(escaped(reference), reference)
    return text[:1].upper() + text[1:]


def _about_one(instruction: str, place: Place, output: Output) -> str:
    """Speak of one item: "the sentiment of each review" becomes "of this review"."""
    item = (place.step.each or output.item).replace("_", " ")
    many = plural(item)
    noun = rf"(?:(?:[\w-]+ )?{re.escape(item)}|(?:[\w-]+ )?{re.escape(many)})"
    for pattern in (
        rf"{_EACH} {noun}\b",
        rf"\b(?:the|these|those|all|its|their)? ?\b{re.escape(many)}\b",
    ):
        text, replaced = re.subn(
            pattern, lambda match: _this(match, item), instruction, count=1, flags=re.IGNORECASE
        )
        if replaced:
            return re.sub(r"\s{2,}", " ", text).strip()
    text, replaced = re.subn(
        rf"{_EACH}(?: one| of them| item)?(?=$|[ ,.])|\b(?:it|them|these|those)\b",
        f" this {item}", instruction, count=1, flags=re.IGNORECASE,
    )  # fmt: skip
    if replaced:
        return re.sub(r"\s{2,}", " ", text).strip()
    return f"{instruction}{_JOINTS.get(place.step.action, ' for')} this {item}"


def _this(match: re.Match[str], item: str) -> str:
    return f" for this {item}" if match[0].lower().startswith("for ") else f" this {item}"


def _about_all(instruction: str, place: Place, output: Output) -> str:
    if output.key == "input":
        return f"{instruction}.\n\n{{input}}"
    reference = f"{{{output.value}}}"
    if reference in instruction:
        return instruction
    pronoun = _PRONOUN.match(instruction)
    if pronoun:
        text = f"{pronoun['verb']} the following {output.noun}{instruction[pronoun.end() :]}"
        return f"{text}:\n\n{reference}"
    words = {singular(word) for word in words_of(instruction)}
    mentioned = bool(output.words & words)
    if place.step.action in ("extract", "analyze") and not mentioned:
        joint = _JOINTS[place.step.action]
        return f"{instruction}{joint} the following {output.noun}:\n\n{reference}"
    return f"{instruction}.\n\n{_section(output)}"


def _section(output: Output) -> str:
    return f"{title_of(output.noun)}:\n{{{output.value}}}"
