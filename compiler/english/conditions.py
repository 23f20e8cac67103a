"""Conditions: English to an expression over the state."""

import re
from dataclasses import dataclass
from functools import cache
from keyword import iskeyword

from compiler.english.draft import Draft, Output
from compiler.english.lexicon import lexicon
from compiler.english.links import Scope
from compiler.english.nouns import words_of
from compiler.inflection import singular

_STATUS = re.compile(
    r"\b(?:status(?: code)?|return\w*|answer\w*|respond\w*|code)\b[^\d]{0,30}(?P<code>[1-5]\d\d)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\bnot\b|n't\b|\bstops?\b|other than|anything but|!=", re.IGNORECASE)
_NUMBER = (
    r"(?P<number>[$€£]?\s?(?:(?:EUR|USD|GBP)\s)?-?\d[\d,]*(?:\.\d+)?)"
    r"\s?(?P<unit>%|k\b|m\b|million|thousand)?"
)
_CONTAINS = re.compile(
    r"(?P<not>does(?: not|n't) |do(?: not|n't) )?(?:contains?|mentions?|includes?|has the "
    r"words?) (?:the (?:words?|phrase|text) )?[\"']?(?P<what>[^\"']+?)[\"']?$",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"^(?:there (?:is|are) )?(?:no|nothing|none)\b|\b(?:is|are|was|were) (?:empty|missing"
    r"|not found|none)\b|\b(?:not|n't|no) (?:\w+ )?(?:exist|found|any)\b|^empty$|^nothing\b"
    r"|^not found$",
    re.IGNORECASE,
)
_SOMETHING = re.compile(
    r"^(?:there (?:is|are) )?(?:any|some|at least one|new)\b.*|\b(?:exists?|is found|are "
    r"found|found|not empty|isn't empty|is available|are available)\b",
    re.IGNORECASE,
)
_EQUALS = re.compile(
    r"^(?:the |its |their )?(?P<left>[\w' -]+?)\s+(?:is|are|equals|=|==|was"
    r"|were)\s+(?P<not>not )?(?:an? |the )?[\"']?(?P<right>[\w -]+?)[\"']?$",
    re.IGNORECASE,
)
_ITEM_SAYS = re.compile(
    r"\b(?P<not>(?:do|does)(?: not|n't) )?(?:mention(?:s|ing)?|contain(?:s|ing)?|includ(?:es?|ing)"
    r"|talk(?:s|ing)? about|speak(?:s|ing)? (?:of|about)|about) (?:the (?:words?|phrase|text) )?"
    r"[\"']?(?P<what>[^\"',;]+?)[\"']?$",
    re.IGNORECASE,
)
_SENTIMENTS = ("positive", "negative", "neutral")


@dataclass(frozen=True, slots=True)
class Expression:
    """A condition as the router evaluates it."""

    source: str
    reads: tuple[str, ...] = ()
    """The state keys it reads."""


@cache
def _comparisons() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple(
        (
            re.compile(
                rf"^(?P<left>.*?)\s*(?<!\w)(?:{entry['pattern']})\s*(?:EUR |USD "
                rf")?{_NUMBER}(?P<after>[^\d]*)$",
                re.IGNORECASE,
            ),
            entry["operator"],
        )
        for entry in lexicon().names("comparisons")
    )


def expression(condition: str, scope: Scope, draft: Draft) -> Expression | None:
    """Return the expression for a condition; None when only a judgement could tell.

    Args:
        condition: The condition in English, with its literals in place.
        scope: What stands before the choice.
        draft: Takes the inputs that the condition needs.
    """
    text = re.sub(r"\s+", " ", condition).strip(" .,")
    readers = (
        _decision, _availability, _comparison, _containment, _field_value, _label, _presence
    )  # fmt: skip
    for reader in readers:
        if found := reader(text, scope):
            return found
    return _on_input(text, scope, draft)


def is_decision(condition: str) -> bool | None:
    """Whether a condition is an approval (True), a rejection (False) or neither (None)."""
    words = lexicon().data["conditions"]
    core = re.sub(
        r"^(?:it(?:'s| is| has been| gets| was)?|they(?: are)?|(?:the|my|a|an) [\w ]+?(?: is"
        r"| has been| was)?|i|he|she|this is) ",
        "",
        condition.lower().strip(" ."),
    )
    if core in words["rejected"] or re.search(
        r"\b(?:reject|declin|den[iy]|refus|not approv|disapprov)", condition.lower()
    ):
        return False
    if core in words["approved"] or re.search(
        r"\b(?:approv|accept(?:ed|s)|signs? off)", condition.lower()
    ):
        return True
    return None


def _decision(text: str, scope: Scope) -> Expression | None:
    approvals = [output for output in scope.outputs if output.kind == "approval"]
    decision = is_decision(text)
    if decision is None or not approvals:
        return None
    key = approvals[-1].key
    return Expression(f"{key}.approved" if decision else f"not {key}.approved", (key,))


def _availability(text: str, scope: Scope) -> Expression | None:
    response = next((o for o in reversed(scope.data) if o.kind == "response"), None)
    if response is None:
        return None
    key = response.key
    status = _STATUS.search(text)
    if status:
        return Expression(
            f"{key}.status_code {'!=' if _NOT.search(text) else '=='} {status['code']}", (key,)
        )
    if response.task != "uptime" and not re.search(
        r"\b(?:fails?|failed|error|succeed)", text, re.IGNORECASE
    ):
        return None
    words = lexicon().data["conditions"]
    for name, operator in (("failing", "!="), ("working", "==")):
        if any(re.search(rf"(?:^|\s){re.escape(phrase)}$", text.lower()) for phrase in words[name]):
            return Expression(f"{key}.status_code {operator} 200", (key,))
    return None


def _comparison(text: str, scope: Scope) -> Expression | None:
    for pattern, operator in _comparisons():
        match = pattern.match(text)
        if not match:
            continue
        left = _quantity(match["left"], match["after"], scope)
        if left is None:
            return None
        return Expression(f"{left[0]} {operator} {_number(match)}", (left[1],))
    return None


def _number(match: re.Match[str]) -> str:
    digits = re.sub(r"[^\d.-]", "", match["number"])
    factor = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
    times = factor.get((match["unit"] or "").lower().strip(), 1)
    value = float(digits) * times
    return str(int(value)) if value == int(value) else str(value)


def _quantity(left: str, after: str, scope: Scope) -> tuple[str, str] | None:
    """Return the expression for the left side of a comparison and the key that it reads."""
    words = [singular(word) for word in words_of(left)]
    counted = {singular(word) for word in words_of(after)}
    for output in reversed(scope.data):
        if (
            output.kind in ("list", "rows")
            and (counted | set(words)) & output.words
            and (
                counted & output.words
                or re.search(r"\b(?:number|count|there)\b", left, re.IGNORECASE)
            )
        ):
            return f"len({output.value})", output.key
    latest = scope.latest
    listed = latest is not None and latest.kind in ("list", "rows", "response")
    if latest and listed and (re.search(r"\bthere\b", left) or counted & lexicon().generic):
        return f"len({latest.value})", latest.key
    named = [output for output in reversed(scope.data) if output.words & set(words)]
    measured = named[0] if named else scope.latest
    if measured is None or measured.key.startswith("input"):
        return None
    amount = _of_service(measured) if measured.service else _measured(measured, words)
    return (amount, measured.key) if amount else None


def _of_service(output: Output) -> str | None:
    """Return the number that a service gave; None where only a reader finds it in the answer."""
    return _as_number(output.value) if output.kind == "text" else None


def _measured(output: Output, words: list[str]) -> str | None:
    """Return the number that is compared; None where a value has no field that is named."""
    if output.fields:
        field = next((one for one in output.fields if one in words), None)
        return _as_number(f"{output.key}.{field}") if field else None
    named = (word for word in reversed(words) if word not in ("it", "that", "this"))
    field = next((word for word in named if word.isidentifier() and not iskeyword(word)), None)
    match output.kind:
        case "number":
            return f"{output.key}.score" if "score" in output.words else output.key
        case "object":
            name = "score" if output.task == "sentiment" else field or "value"
            return _as_number(f"{output.key}.{name}")
        case "response":
            name = field or output.key
            part = "['length']" if name == "length" else f".{name}"
            return _as_number(f"{output.key}.body{part}")
        case "rows":
            return f"len({output.value})"
        case "list":
            return _as_number(f"{output.key}[0]")
    return _as_number(output.key)


def _as_number(value: str) -> str:
    """Return an expression that reads a number also from text such as "$1,200"."""
    return f"float(str({value}).replace(',', '').strip('$€£% '))"


def _containment(text: str, scope: Scope) -> Expression | None:
    match = _CONTAINS.search(text)
    if not match or scope.latest is None:
        return None
    operator = "not in" if match["not"] else "in"
    return Expression(
        f"{match['what'].strip().lower()!r} {operator} str({scope.latest.value}).lower()",
        (scope.latest.key,),
    )


def _field_value(text: str, scope: Scope) -> Expression | None:
    """Read "the tier is gold" where a value is known to have that field."""
    match = _EQUALS.match(text)
    words = [singular(word) for word in words_of(match["left"])] if match else []
    for output in reversed(scope.data):
        field = next((one for one in output.fields if one in words), None)
        if match and field and not output.mapped:
            value = f"str({output.key}.{field}).lower()"
            operator = "!=" if match["not"] else "=="
            right = match["right"].lower().strip(" \"'")
            return Expression(f"{value} {operator} {right!r}", (output.key,))
    return None


def _label(text: str, scope: Scope) -> Expression | None:
    lowered = text.lower()
    negated = bool(re.search(r"\bnot\b|n't\b", lowered))
    for output in reversed(scope.data):
        sentiment = next((word for word in _SENTIMENTS if re.search(rf"\b{word}\b", lowered)), None)
        if output.task == "sentiment" and sentiment:
            return _sentiment(output, sentiment, negated, lowered)
        if output.task == "classify" and output.mapped:
            how = "all" if re.search(r"\ball\b", lowered) else "any"
            operator = "!=" if negated else "=="
            found = f"{how}(label.lower() {operator} {_core(lowered)!r} for label in {output.key})"
            return Expression(found, (output.key,))
        if output.kind == "label":
            label = _core(lowered)
            operator = "!=" if negated else "=="
            return Expression(f"{output.key}.lower() {operator} {label!r}", (output.key,))
    return None


def _sentiment(output: Output, word: str, negated: bool, text: str) -> Expression:
    operator = "!=" if negated else "=="
    if not output.mapped:
        return Expression(f"{output.key}.sentiment {operator} {word!r}", (output.key,))
    if "most" in text:
        count = f"len([s for s in {output.key} if s.sentiment == {word!r}])"
        return Expression(f"{count} * 2 > len({output.key})", (output.key,))
    how = "all" if re.search(r"\ball\b", text) else "any"
    return Expression(
        f"{how}(s.sentiment {operator} {word!r} for s in {output.key})", (output.key,)
    )


def _core(text: str) -> str:
    text = re.sub(r"^.*\b(?:is|are|as|was|were|it's)\s+", "", text.strip(" ."))
    text = re.sub(r"\b(?:not|n't)\b\s*", "", text)
    return re.sub(r"^(?:an?|the|classified as|marked|labell?ed)\s+", "", text).strip(" \"'")


def _presence(text: str, scope: Scope) -> Expression | None:
    lists = [
        o for o in scope.data if o.kind in ("list", "rows", "response", "text") and o.key != "input"
    ]
    if not lists:
        return None
    words = {singular(word) for word in words_of(text)}
    output = next((o for o in reversed(lists) if o.words & words), lists[-1])
    plain = len(text.split()) <= 6
    if plain and _NOTHING.search(text):
        return Expression(f"not {output.value}", (output.key,))
    if plain and _SOMETHING.search(text):
        return Expression(f"bool({output.value})", (output.key,))
    return None


def _on_input(text: str, scope: Scope, draft: Draft) -> Expression | None:
    """Read a condition on what the caller gives: "if the amount is over 1000"."""
    if any(not output.key.startswith("input") for output in scope.data):
        return None
    for pattern, operator in _comparisons():
        match = pattern.match(text)
        if match and (name := _field_name(match["left"])):
            draft.input(name, f"The {name.replace('_', ' ')}", {"type": "number"})
            return Expression(f"input.{name} {operator} {_number(match)}")
    match = _EQUALS.match(text)
    if match and (name := _field_name(match["left"])):
        draft.input(name, f"The {name.replace('_', ' ')}")
        operator = "!=" if match["not"] else "=="
        return Expression(
            f"str(input.{name}).lower() {operator} {match['right'].lower().strip()!r}"
        )
    return None


def _field_name(phrase: str) -> str | None:
    """Return the input that a phrase names; None for "it" and the like."""
    words = [word for word in words_of(phrase) if word not in lexicon().generic]
    name = re.sub(r"\W", "_", "_".join(words[-2:]))
    return name if name and not iskeyword(name) else None


def item_expression(text: str) -> str | None:
    """Return a condition over `item` for "reviews with a rating below 3", or None."""
    if said := _ITEM_SAYS.search(text):
        operator = "not in" if said["not"] else "in"
        return f"{said['what'].strip().lower()!r} {operator} str(item).lower()"
    text = re.sub(
        r"^.*?\b(?:with|where|whose|that have|having|which have)\s+(?:an? |the )?",
        "",
        text.strip(" ."),
        flags=re.IGNORECASE,
    )
    for pattern, operator in _comparisons():
        match = pattern.match(text)
        if match and (words := words_of(match["left"])):
            field = re.sub(r"[^a-z0-9_]", "_", words[-1])
            return None if iskeyword(field) else f"item.{field} {operator} {_number(match)}"
    match = _EQUALS.match(text)
    if match and len(match["left"].split()) <= 2:
        field = re.sub(r"[^a-z0-9_]", "_", match["left"].strip().lower())
        if iskeyword(field) or not field.isidentifier():
            return None
        operator = "!=" if match["not"] else "=="
        return f"str(item.{field}).lower() {operator} {match['right'].lower().strip()!r}"
    return None
