"""Values that a step names for an own agent's parameters: "with threshold 0.8", "text = …"."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compiler.english.lexicon import lexicon
from compiler.english.normalise import Text
from compiler.english.own_agents import spoken_forms, spoken_of
from compiler.english.ready_agents import ReadyParameter
from compiler.english.ready_values import Said, is_allowed, typed
from compiler.english.steps import Step

_MARK = r"[\ue000-\ue003]\d+\ue00f"
_NUMBER = r"-?\d+(?:\.\d+)?(?![\w.]\w)"
_WORD = rf"{_MARK}|{_NUMBER}|[\w#@][\w./@+:-]*\w|\w"
_MORE = rf"(?:(?:, and |, | and )(?:{_WORD})(?! (?:=|:|is|of|set to)\b))*"
_END = r"(?= *$|[,;:!?)\n]|\.(?!\d)| (?:and|or|on|for|to|in|with|from|then|over|using|of|at|as)\b)"


def said_values(
    step: Step, text: Text, parameters: Mapping[str, ReadyParameter]
) -> tuple[dict[str, Any], Step]:
    """Return the values that a step names by its parameters, and the step without these words."""
    said = Said(step, text, step.marked)
    found: dict[str, Any] = {}
    for name in spoken_of(parameters, step.marked):
        parameter = parameters[name]
        match = _match(name, parameter, said.left)
        if match is None:
            continue
        value = _value(match["value"], parameter, said)
        if value is not None and is_allowed(value, parameter.schema):
            found[name] = value
            said.left = f"{said.left[: match.start()]} {said.left[match.end() :]}"
    return found, replace(said.remaining(), rest=_without(step, said.left)) if found else step


def _without(step: Step, left: str) -> str:
    """Return what follows the verb, without the values."""
    head = step.marked[: len(step.marked) - len(step.rest)]
    return left.removeprefix(head).strip() if step.marked.endswith(step.rest) else step.rest


def _match(name: str, parameter: ReadyParameter, left: str) -> re.Match[str] | None:
    """Return where a value stands beside its parameter's name."""
    kind = parameter.schema.get("type")
    nouns = "|".join(map(re.escape, spoken_forms(name)))
    several = _MORE if kind == "array" else ""
    led = r"(?:(?:with|where|and|using|at|by|given|,) ?)?(?:\b(?:the|an?) )?"
    is_set = r"(?:=|:|(?:is |set )to\b|is\b|of\b)"
    patterns = [rf"{led}\b(?:{nouns})\b ?{is_set} ?(?P<value>(?:{_WORD}){several})"]
    plain = r"\d|-\d|[\ue000-\ue003]|true\b|false\b|[A-Z]"
    if choices := [str(one) for one in parameter.schema.get("enum", ())]:
        plain += "|" + "|".join(rf"{re.escape(one)}\b" for one in choices)
    if kind == "array" or name not in lexicon().words("data_parameters"):
        patterns.append(
            rf"(?:\b(?:with|using|as|in|at|and|given)|,) (?:the |an? )?(?:{nouns}) "
            rf"(?P<value>(?:{_WORD}){several}){_END}"
        )
    patterns.append(rf"{led}\b(?:{nouns}) (?P<value>(?=(?-i:{plain}))(?:{_WORD}){several}){_END}")
    if kind in ("integer", "number"):
        patterns.append(
            rf"(?:\b(?:with|at|using) )?(?:\b(?:the|an?) )?(?P<value>{_NUMBER}) (?:{nouns})\b"
        )
    found = (re.search(pattern, left, re.IGNORECASE) for pattern in patterns)
    return next((match for match in found if match), None)


def _value(words: str, parameter: ReadyParameter, said: Said) -> Any:
    """Return words as a value; None when they cannot be one."""
    kind = parameter.schema.get("type")
    if kind == "array":
        parts = re.split(r",? and |, ", words)
        return [said.written(part) for part in parts]
    written = said.written(words.rstrip(".:"))
    return typed(written, parameter)
