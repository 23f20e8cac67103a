"""Conditions in words as expressions over the state, when these say all that the words say."""

import re
from collections.abc import Sequence
from typing import Any

from compiler.editing.descriptions import read_description
from compiler.editing.finding import words_of
from compiler.editing.reader import Reader
from compiler.editing.wording import NUMBER, value_of
from compiler.english.lexicon import lexicon
from compiler.specification import Node

_COMPARISONS = (
    ("is not|does not equal|!=", "!="),
    ("is (?:above|over|greater than|more than|higher than)|exceeds|>", ">"),
    ("is (?:below|under|less than|lower than)|<", "<"),
    ("is at least|>=", ">="),
    ("is at most|<=", "<="),
    ("is|equals|==?", "=="),
)
_NO_VALUES = ("empty", "missing", "none", "null", "available", "there", "true", "false", "known")
_COMPARING = (
    "more less greater than above over below under higher lower larger smaller exceed contain "
    "include mention equal least most not no has have had does do did exist empty found there "
    "dollar euro usd eur percent"
)
"""Words that an expression says in signs."""


def condition_of(reader: Reader, words: str, before: Node | None) -> str | None:
    """Return a condition in words as an expression over the state; None: it cannot be one."""
    quoted = re.fullmatch(r"`(.+)`", words.strip())
    if quoted:
        return quoted[1]
    if compared := _comparison(words, [node.key for node in reader.specification.nodes]):
        return compared
    expression = _after(before, words) or _alone(words)
    return expression if expression and says(reader, words, expression) else None


def _after(before: Node | None, words: str) -> str | None:
    """Read a condition as one on what the step before it makes."""
    if before is None or not before.description:
        return None
    first = read_description(before.description).specification
    both = read_description(f"{before.description}. If {words}, email me").specification
    if not first or not both or len(first.nodes) != 1:
        return None
    router = next((node for node in both.nodes if node.agent == "router"), None)
    condition = router.parameters.get("condition") if router else None
    others = [node for node in both.nodes if node.agent not in ("router", "email")]
    if not condition or len(others) != 1 or "input." in condition:
        return None
    return re.sub(rf"\b{re.escape(others[0].key)}\b", before.key, str(condition))


def _alone(words: str) -> str | None:
    alone = read_description(f"If {words}, email me").specification
    if alone is None or [node.agent for node in alone.nodes] != ["router", "email"]:
        return None
    return str(alone.nodes[0].parameters.get("condition") or "") or None


def says(reader: Reader, words: str, expression: str) -> bool:
    """Whether an expression says all that the words say, so that nothing is left out of it."""
    numbers = [number.replace(",", "") for number in re.findall(NUMBER, words)]
    said = set(words_of(re.sub(NUMBER, " ", words))) - set(words_of(_COMPARING))
    held = set(words_of(expression))
    for node in reader.specification.nodes:
        if re.search(rf"\b{re.escape(node.key)}\b", expression):
            held.update(words_of(f"{node.id} {node.description} {node.key}"))
    for sign, names in (("status_code", ("failing", "working")),
                        (".approved", ("approved", "rejected"))):  # fmt: skip
        if sign in expression:
            conditions = lexicon().names("conditions")
            held.update(words_of(" ".join(one for name in names for one in conditions[name])))
    return said <= held and all(number in expression for number in numbers)


def _comparison(words: str, keys: Sequence[str]) -> str | None:
    """Return “the rating is low” as an expression, when a step's result has that name."""
    for key in keys:
        name = re.escape(key).replace("_", "[_ ]")
        for said, operator in _COMPARISONS:
            match = re.fullmatch(
                rf"(?:the )?{name} (?:{said}) (?P<value>[\"']?[\w.,-]*\w[\"']?)",
                words.strip(), re.IGNORECASE,
            )  # fmt: skip
            if match and match["value"].lower() not in _NO_VALUES:
                return f"{key} {operator} {value_of(match['value'])!r}"
    return None


def asked_condition(reader: Reader, words: str) -> str:
    """Ask how a condition is said as an expression.

    Raises:
        Open: Nobody has said it yet.
    """
    return reader.ask(
        "condition",
        f"How is “{words}” said as an expression over the state?",
        ("`score > 5`", "`label == 'urgent'`"),
    ).strip("`")


def before(reader: Reader, node_id: str) -> Node | None:
    """Return the only step before a step, past choices; None: there are several, or none."""
    seen: set[str] = set()
    while node_id not in seen:
        seen.add(node_id)
        sources = [edge.source for edge in reader.specification.edges if edge.target == node_id]
        if len(sources) != 1:
            return None
        node = reader.specification.node(sources[0])
        if node.agent != "router":
            return node
        node_id = node.id
    return None


def inputs_of(words: str, expression: str) -> dict[str, Any]:
    """Return the inputs that a condition reads, as the parser declares them."""
    made = read_description(f"If {words}, email me").specification
    properties = made.state_schema.input.get("properties", {}) if made else {}
    used = {name: schema for name, schema in properties.items() if f"input.{name}" in expression}
    return {"properties": used, "required": list(used)} if used else {}
