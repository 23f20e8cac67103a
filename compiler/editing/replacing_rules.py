"""Instructions that put one thing in the place of another: a value, a product, a whole step."""

import re
from dataclasses import replace

from compiler.editing.additions import opens_with_a_verb
from compiler.editing.finding import find_steps, root
from compiler.editing.operations import Operation, ReplaceStep, SetField
from compiler.editing.reader import Reader, Rule, rules, said_of_a_step, slug
from compiler.editing.replacement import replacement
from compiler.editing.value_rules import is_named, is_value, several_urls, value_in, values
from compiler.editing.wording import cased, value_of
from compiler.english.lexicon import lexicon
from compiler.specification import Node

_LITERAL = re.compile(r"[\"'“`].+[\"'”`]|\S*[\d@/]\S*")
_MODEL = re.compile(
    r"(?:gpt|claude|gemini|llama|mistral|qwen|deepseek|o\d)[\w.:/-]*", re.IGNORECASE
)
_SENT = re.compile(r"\b(?:e-?mail|mail|message|notification|alert|sms|post)\b", re.IGNORECASE)
_FIELDS = ("model", "subject", "prompt", "temperature", "url", "body", "time", "schedule",
           "timeout", "recipient", "recipients", "condition", "name", "query")  # fmt: skip
"""Words that end a field of a step, so that what they stand in is no step."""
_EVERYWHERE = re.compile(
    r",? (?:everywhere|(?:in|on|for|at) (?:both|all|every|each) (?:of them|places?|ways?|cases?"
    r"|branch(?:es)?|steps?))$",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"(?:the )?(?:step|node)\b|the \w+ (?:step|node)$", re.IGNORECASE)
_SOMEONE = re.compile(
    r"(?:let|have|get|ask) (?P<who>.+?)(?: to)? (?P<verb>\w+)(?: (?:it|them|this|that))?",
    re.IGNORECASE,
)
_SHOULD = re.compile(
    r"(?P<who>.+?) (?:should|must|shall|has to) (?P<verb>\w+)(?: (?:it|them|this|that))?",
    re.IGNORECASE,
)
_IN_A_PRODUCT = re.compile(r" (?:in|to|on|with|using|via|from|by) [A-Z][\w. ]*$")
_ALL_OF_A_VERB = re.compile(
    r"(?:all )?(?:of )?(?:the )?(?P<verb>\w+) (?:skills|steps|actions|nodes|tasks|calls)",
    re.IGNORECASE,
)


_UNSAID = re.compile(
    r"(?:something|anything|somebody|someone) (?:else|different|better)|another(?: one| \w+)?"
    r"|a (?:different|better|new) \w+|others?",
    re.IGNORECASE,
)
"""What only says that it is another."""


def _instead(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    groups = match.groupdict()
    old, new = (groups.get("old") or "").strip(), groups["new"].strip()
    where = (groups.get("what") or "").strip()
    ids = [reader.step(where)] if where else []
    if not old:
        return _use(reader, ids, new)
    if re.match(r"(?:if|when|whenever)\b", new, re.IGNORECASE):
        return None
    if _UNSAID.fullmatch(new):
        reader.ask(f"instead.{slug(old)}", f"What comes instead of “{old}”?", ())
    old, everywhere = _EVERYWHERE.subn("", old)
    found = values(reader, ids, old, new)
    return found or (
        None if is_value(old) else _steps(reader, ids, old, new, everywhere=everywhere > 0)
    )


def _in_a_step(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “in step 1, scrape …”: its value if the words only say another one, else the step."""
    node = reader.node(match["old"])
    if not opens_with_a_verb(match["new"]) or not _alike(node, match["new"]):
        return None
    return value_in(node, match["new"]) or [replacement(reader, node, match["new"])]


def _use(reader: Reader, ids: list[str], new: str) -> list[Operation] | None:
    """Let one step use another model, or another product."""
    if not ids:
        return None
    node = reader.specification.node(ids[0])
    if node.agent == "llm" and _MODEL.fullmatch(str(value_of(new))):
        return [SetField(node.id, ("parameters", "model"), cased(value_of(new), "gpt"))]
    if not lexicon().product_pattern.search(new):
        return None
    return [replacement(reader, node, _with_product(node, "", new))]


def _steps(
    reader: Reader, ids: list[str], old: str, new: str, *, everywhere: bool
) -> list[Operation] | None:
    verbs = _ALL_OF_A_VERB.fullmatch(old), _ALL_OF_A_VERB.fullmatch(new)
    if verbs[0] and verbs[1] and old.lower().startswith("all"):
        return _all_of_a_verb(reader, verbs[0]["verb"], verbs[1]["verb"])
    bare_new = said_of_a_step(new)
    if re.split(r"[\s']+", old.lower())[-1] in _FIELDS:
        return None
    named = [node for node in reader.specification.body
             if _contains(node.description, old) and (not ids or node.id in ids)]  # fmt: skip
    reworded = {node.id: _reworded(node, old, bare_new) for node in named}
    if named and all(reworded.values()) and not opens_with_a_verb(said_of_a_step(old)):
        verb = opens_with_a_verb(bare_new) and not everywhere
        return _under_own_names(
            [replacement(reader, node, str(reworded[node.id]))
             for node in _twins(reader, named, old, ask=verb)]
        )  # fmt: skip
    node = reader.specification.node(ids[0] if ids else reader.step(old))
    said = opens_with_a_verb(said_of_a_step(old)) or bool(ids) or _NUMBERED.match(old)
    if opens_with_a_verb(bare_new):
        if not said and not _alike(node, bare_new):
            return None
        return [replacement(reader, node, bare_new)]
    if not _SENT.search(bare_new):
        return None
    return [replacement(reader, node, f"send {bare_new}")]


def _under_own_names(steps: list[ReplaceStep]) -> list[Operation]:
    """Return replacements of steps that do the same, none of which takes another's id."""
    taken: set[str] = set()
    named: list[Operation] = []
    for one in steps:
        id, number = one.node["id"], 2
        while one.node["id"] in taken:
            one = replace(one, node={**one.node, "id": f"{id}_{number}"})
            number += 1
        taken.add(one.node["id"])
        named.append(one)
    return named


def _as_words(words: str) -> re.Pattern[str]:
    """Return what finds words as such, and not in an address that holds them."""
    return re.compile(rf"(?<![\w@.-]){re.escape(words)}(?![\w@])", re.IGNORECASE)


def _contains(text: str, words: str) -> bool:
    # The verb, with which a description begins, is what is done and no thing.
    return _as_words(words).search(text, text.find(" ") + 1) is not None


def _reworded(node: Node, old: str, new: str) -> str | None:
    """Return what a step is said to do with one thing in the place of another; None: no thing.

    “Save it to Sheets instead of Notion” and “let the CEO approve it instead of the editor” say
    the sentence again, of which only the thing counts.
    """
    thing = _thing(node, old, new)
    if not thing:
        return None
    said = re.sub(
        rf"(?<![\w@.-]){re.escape(old)}(?![\w@])",
        lambda _: thing,
        node.description,
        flags=re.IGNORECASE,
    )
    return re.sub(r"\b(?:the|an?) (?=(?:the|an?|my|our|your) )", "", said, flags=re.IGNORECASE)


def _thing(node: Node, old: str, new: str) -> str:
    product = lexicon().product_pattern.search(new)
    if product and lexicon().product_pattern.search(old):
        return product[0] if opens_with_a_verb(new) else new
    new = re.sub(r"^(?:approval|review|sign-?off) (?:by|from|of) ", "", new, flags=re.IGNORECASE)
    someone = _SOMEONE.fullmatch(new) or _SHOULD.fullmatch(new)
    if someone and someone["verb"].lower() in lexicon().verbs:
        return someone["who"]
    first, _, rest = new.partition(" ")
    kept = node.description[: node.description.lower().index(old.lower())]
    if kept and new.lower().startswith(kept.lower()) and len(new) > len(kept):
        return new[len(kept) :]
    before_it = re.search(r"\b(into|to|in|from|with|at|by|for|on|as) (?:the |an? )?$", kept)
    if opens_with_a_verb(new) and before_it:
        # “Translate it into Dutch” says the sentence again up to where the thing stands.
        there = re.search(rf" {before_it[1]} (.+)$", new, re.IGNORECASE)
        if there and root(first) == root(node.description.partition(" ")[0]):
            return there[1]
    if opens_with_a_verb(new):
        again = root(first) == root(node.description.partition(" ")[0])
        return rest if again and len(rest.split()) <= 4 else ""
    return new if product or old[:1].isupper() or node.agent == "human_loop" else ""


def _twins(reader: Reader, nodes: list[Node], old: str, *, ask: bool) -> list[Node]:
    """Return all steps that name a thing; of a sentence about one of them ask which."""
    if len(nodes) == 1 or not ask:
        return nodes
    ids = [node.id for node in nodes]
    answer = reader.ask(
        f"step.{slug(old)}", f"“{old}” stands in {' and '.join(f'`{id}`' for id in ids)}. Which "
        "one changes?", [*ids, "all of them"],
    )  # fmt: skip
    return nodes if answer.lower().startswith(("all", "both")) else [reader.node(answer, ids)]


def _all_of_a_verb(reader: Reader, old: str, new: str) -> list[Operation]:
    edits: list[Operation] = []
    for node in reader.specification.body:
        first, _, rest = node.description.partition(" ")
        if rest and root(first) == root(old):
            edits.append(replacement(reader, node, f"{new} {rest}"))
    return edits


def _with_product(node: Node, old: str, new: str) -> str:
    """Return what a step is said to do, with another product."""
    said = node.description or node.id.replace("_", " ")
    if old:
        return _as_words(old).sub(lambda _: new, said)
    return f"{_IN_A_PRODUCT.sub('', said)} in {new}"


def _elsewhere(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “open the ticket in Zendesk instead”: the step that does so, but somewhere else."""
    words = match["new"]
    if re.search(r"(?<!\w)#\w", words) and not lexicon().product_pattern.search(words):
        # A channel is one of where the message goes already.
        meant = find_steps(re.sub(r"#[\w-]+", "", words), reader.specification).one
        known = reader.specification.node(meant).description if meant else ""
        product = lexicon().product_pattern.search(known)
        words = f"{words} on {product[0]}" if product else words
    node = reader.specification.node(reader.step(_IN_A_PRODUCT.sub("", words)))
    if not _alike(node, words) or several_urls(words):
        return None
    made = replacement(reader, node, words)
    if made.node["agent"] != node.agent and not (
        lexicon().product_pattern.search(words) or _SENT.search(words) or is_named(words)
    ):
        return None
    return [made]


def _alike(node: Node, words: str) -> bool:
    """Whether words are of the kind of what a step does: both send or write, or do the same."""
    verbs = [lexicon().verbs.get(one.split(" ", 1)[0].lower()) for one in (words, node.description)]
    actions = [verb.action for verb in verbs if verb]
    if len(actions) < 2 or actions[0] == actions[1]:
        return True
    return {lexicon().roles.get(action) for action in actions} == {"sink"}


_IN_STEP = (
    r"(?: (?:in|for|of) (?P<what>(?:the )?(?:step|node) .+|the (?:\w+) step|\w+_\w+|all steps))?"
)
_CHANGE = r"(?:change|update|modify|edit|set|make|let|have|switch|get)"

RULES: tuple[Rule, ...] = rules(
    (rf"{_CHANGE} (?P<what>.+?),? (?:to |so that it )?(?:use|uses|using) (?P<new>.+?)"
     r"(?: instead of (?P<old>.+?)| instead| rather than (?P<old2>.+))?", _instead),
    (r"(?P<what>.+?) (?:should|must|shall|has to|needs to) use (?P<new>.+?)"
     r"(?: instead of (?P<old>.+?)| instead)?", _instead),
    (r"(?:in|for|at) (?P<what>(?:the )?(?:step|node) [\w ]+?|the [\w ]+ step),? "
     r"(?:use|replace .+ with) (?P<new>.+?)(?: instead of (?P<old>.+?)| instead)?", _instead),
    (rf"use (?P<new>.+?) (?:instead of|rather than|in place of) (?P<old>.+?){_IN_STEP}",
     _instead),
    (r"use (?P<new>.+?) (?:in|for) (?P<what>.+?)(?: instead)?", _instead),
    (rf"(?:replace|substitute|exchange|swap) (?:the )?(?P<old>.+?) (?:with|by|for) "
     rf"(?P<new>.+?){_IN_STEP}", _instead),
    (rf"(?:switch|change|go) (?:from )?(?P<old>.+?) to (?P<new>.+?){_IN_STEP}", _instead),
    (r"(?:make|have|let) (?P<old>(?:the )?(?:step|node) \d+|the (?:\w+) step) (?:to )?(?P<new>.+?)"
     r"(?:,? instead)?", _instead),
    (r"(?:in|for|at) (?P<old>(?:the )?(?:step|node) \d+|the (?:\w+) step),? (?P<new>.+?)"
     r"(?:,? instead)?", _in_a_step),
    (r"instead of (?P<old>.+?)(?:,(?: just)?| just) (?P<new>.+)", _instead),
    (r"(?P<new>.+?) (?:instead of|rather than|in place of) (?:(?:in|to|on|via|with) )?(?P<old>.+)",
     _instead),
    (r"(?P<new>.+?),? (?:and )?not (?P<old>(?:my|the|our|in|on|to)\b.+)", _instead),
    (r"(?:do not|don't) use (?P<old>.+?),? (?:but(?: use)?|use) (?P<new>.+)", _instead),
    (r"(?P<new>.+?),? instead", _elsewhere),
)  # fmt: skip
