"""Instructions that say another value for what a step does: a model, a URL, how many, a channel.

Only the value changes. Which step it belongs to is said by the other words, or there is only one.
"""

import re
from collections.abc import Iterator
from typing import Any

from compiler.editing.finding import find_steps, words_of
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.wording import (
    ADDRESS,
    COUNT,
    INSTEAD,
    MODEL,
    NUMBER,
    TO_SET,
    URL,
    cased,
    number_of,
    value_of,
)
from compiler.english.lexicon import lexicon
from compiler.specification import Node

_LITERAL = re.compile(r"[\"'“`].+[\"'”`]|\S*[\d@/#]\S*")
_KINDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (URL, ADDRESS, r"(?<!\w)#[\w-]+", rf"(?<![\w.-]){MODEL}(?!\w)",
                    rf"(?<![\w.#-])(?:{NUMBER})(?![\w.-])")
)  # fmt: skip
"""What a value looks like, so that the words around it say only where it stands."""
_PROSE = ("subject", "title", "body", "text", "prompt", "message", "description")
"""Fields of free words, which are no names that other words could mean."""
_MODEL_WORDS = re.compile(
    r"\b(?:use|uses|using|switch|change|set|make|have|let|run|do|done|get|with|by|to|for|the|model"
    r"|instead|it|should|must|and)\b",
    re.IGNORECASE,
)


def several_urls(words: str) -> bool:
    """Whether words name more than one URL, of which a step may take only one."""
    return len(_KINDS[0].findall(words)) > 1


def is_named(words: str) -> bool:
    """Whether words name a URL, an address, a channel or a model."""
    return any(kind.search(words) for kind in _KINDS[:4])


def is_value(words: str) -> bool:
    """Whether words are a value by themselves, and so name no step."""
    return any(kind.fullmatch(words) for kind in _KINDS)


def texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the texts and numbers in a value, each with where it stands."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from texts(item, (*path, name))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from texts(item, (*path, str(place)))
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, value


def same(one: str, other: str) -> bool:
    """Whether two names are the same but for case, spaces and dashes."""
    return re.sub(r"[\s_-]+", "-", one.lower()) == re.sub(r"[\s_-]+", "-", other.lower())


def values(reader: Reader, ids: list[str], old: str, new: str) -> list[Operation]:
    """Return the edits of all parameters that are, or as literals contain, the old value."""
    nodes = [node for node in reader.specification.nodes if not ids or node.id in ids]
    wanted, number = str(value_of(old)), _number(old)
    literal = _LITERAL.fullmatch(old) is not None
    edits: list[Operation] = []
    for node in nodes:
        for path, held in texts(node.parameters, ("parameters",)):
            if not isinstance(held, str):
                if number is not None and held == number and _number(new) is not None:
                    edits.append(SetField(node.id, path, value_of(new)))
            elif _is_meant(held, wanted, path[-1], literal=literal and number is None):
                edits.append(SetField(node.id, path, _put(held, wanted, value_of(new))))
    return edits + _tests_of_labels(reader, edits, wanted, value_of(new))


def _is_meant(held: str, wanted: str, name: str, *, literal: bool) -> bool:
    """Whether a text is the value that words name, or as a literal holds it."""
    if same(held, wanted):
        return literal or name not in _PROSE
    return literal and _stands_in(wanted, held)


def _tests_of_labels(reader: Reader, edits: list[Operation], old: str, new: Any) -> list[Operation]:
    """Return what follows another label: the prompt that names it, the choices that test it."""
    labelled = [edit.node_id for edit in edits
                if isinstance(edit, SetField) and "labels" in edit.path]  # fmt: skip
    nodes = reader.specification.nodes
    keys = {node.key: node for node in nodes if node.id in labelled}
    follow: list[Operation] = []
    for node in nodes:
        for name in ("prompt", "condition"):
            text = str(node.parameters.get(name, ""))
            reads = any(re.search(rf"\b{re.escape(key)}\b", text) for key in keys)
            if node.id in labelled if name == "prompt" else reads:
                changed = re.sub(rf"\b{re.escape(old)}\b", str(new), text)
                if changed != text:
                    follow.append(SetField(node.id, ("parameters", name), changed))
    return follow


def without_value(reader: Reader, said: str) -> list[Operation]:
    """Return the edits that take a value out of the lists in which it is one of several."""
    edits: list[Operation] = []
    for node in reader.specification.body:
        for name, held in node.parameters.items():
            if isinstance(held, list) and said in held and len(held) > 1:
                left = [one for one in held if one != said]
                edits.append(SetField(node.id, ("parameters", name), left))
    return edits


def value_in(node: Node, words: str) -> list[Operation]:
    """Return the edit of the only value of its kind that a step has and words say anew."""
    for kind in _KINDS:
        said = kind.findall(words)
        held = [(path, text) for path, text in texts(node.parameters, ("parameters",))
                if kind.fullmatch(str(text))]  # fmt: skip
        if len(said) == len(held) == 1 and said[0] != held[0][1]:
            return [SetField(node.id, held[0][0], value_of(said[0]))]
    return []


def _stands_in(part: str, text: str) -> bool:
    return re.search(rf"(?<![\w#]){re.escape(part)}(?!\w)", text, re.IGNORECASE) is not None


def _put(text: str, old: str, new: Any) -> Any:
    if same(text, old):
        return cased(new, text)
    return re.sub(re.escape(old), lambda _: str(new), text, flags=re.IGNORECASE)


def _number(text: str) -> float | int | None:
    value = value_of(text) if re.fullmatch(NUMBER, text.strip()) else None
    return value if isinstance(value, int | float) else None


def _said_again(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “scrape 50 reviews instead of 100”: one value in words that else say what is there."""
    old, new = match["old"].strip(), match["new"].strip()
    kind = next((kind for kind in _KINDS if kind.fullmatch(old)), None)
    found = kind.findall(new) if kind else []
    if kind is None or len(found) != 1:
        return None
    words = kind.sub(" ", new)
    edits = values(reader, [], old, found[0])
    ids = list(dict.fromkeys(edit.node_id for edit in edits if isinstance(edit, SetField)))
    if len(ids) > 1:
        meant = find_steps(words, reader.specification, [id for id in ids if id]).one
        edits = [edit for edit in edits if isinstance(edit, SetField) and edit.node_id == meant]
    return edits


def _model(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another model: of the step that the other words mean, or of the only one."""
    said = match[0]
    found = list(_KINDS[3].finditer(match["said"]))
    others = match.groupdict().get("old") or ""
    if len(found) != 1 or (others and not re.fullmatch(MODEL, others, re.IGNORECASE)):
        return None
    model = value_of(found[0][0])
    if str(model).lower() in ("gpt", "llama", "qwen"):
        return None
    marked = re.match(
        r"(?:only |just )?(?:use|switch|change|set|make|have|let|run|get)\b", said, re.IGNORECASE
    )
    again = re.search(rf" (?:with|using|by|via) {MODEL}$", said, re.IGNORECASE)
    if not marked and "instead" not in said.lower() and not again:
        return None
    models = [node for node in reader.specification.body if node.agent == "llm"]
    if others:
        models = [node for node in models if _is_model(node, others)]
    words = _MODEL_WORDS.sub(" ", match["said"].replace(found[0][0], " "))
    ids = [node.id for node in models]
    if words_of(words):
        # A step that is there, said again; else it is another one that has this model.
        least = 0.6 if marked or not again else 0.85
        # Of the only step with a model, one word is enough where others say what is done.
        least = 0.3 if marked and len(ids) == 1 else least
        meant = find_steps(words, reader.specification, ids, least=least).node_ids
        ids = [id for id in ids if id in meant]
    elif not marked and again:
        return None
    if not ids:
        return None
    chosen = reader.one_of("step.model", "The model of which step is meant?", ids)
    old = str(reader.specification.node(chosen).parameters.get("model", "gpt-4"))
    return [SetField(chosen, ("parameters", "model"), cased(model, old))]


def _is_model(node: Node, said: str) -> bool:
    """Whether a step has that model; “Claude” is each of its kinds."""
    model = str(node.parameters.get("model", "")).lower()
    return same(model, said) or model.startswith(f"{said.lower()}-")


def _channel(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “use #incidents for the alert”: the channel of a message that goes to one."""
    messages = [node.id for node in reader.specification.body
                if isinstance(node.parameters.get("body"), dict)
                and {"text", "channel"} & set(node.parameters["body"])]  # fmt: skip
    meant = find_steps(match["what"], reader.specification, least=0.7).one
    if meant not in messages:
        return None
    return [SetField(meant, ("parameters", "body", "channel"), match["channel"])]


def _table(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another table: of the only statement that names one, or of the one that words mean."""
    found = {
        node.id: query
        for node in reader.specification.body
        if (query := str(node.parameters.get("query", ""))) and len(_TABLE.findall(query)) == 1
    }
    if old := match.groupdict().get("old"):
        found = {id: query for id, query in found.items() if old in re.findall(r"\w+", query)}
    ids = list(found)
    if words_of(words := match.groupdict().get("said") or ""):
        meant = find_steps(words, reader.specification, ids).node_ids if ids else ()
        ids = [id for id in ids if id in meant]
    if not ids:
        return None
    chosen = reader.one_of("step.table", "The table of which step is meant?", ids)
    query = _TABLE.sub(lambda one: f"{one[1]}{match['table']}", found[chosen])
    return [SetField(chosen, ("parameters", "query"), query)]


def reads_url(node: Node) -> bool:
    """Whether a step reads from a URL that it names; one that writes to a service is none."""
    url = str(node.parameters.get("url", ""))
    return url.startswith("http") and node.parameters.get("method", "GET") == "GET"


def does(node: Node, words: str) -> bool:
    """Whether words are one verb for what a step does: “monitor” for “check”."""
    verbs = [lexicon().verbs.get(one.lower()) for one in (words.strip(),
             node.description.partition(" ")[0])]  # fmt: skip
    return None not in verbs and len({verb.action for verb in verbs if verb}) == 1


def _how_many(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “only scrape 20 reviews”: how many a step takes that takes so many."""
    count = number_of(match["n"].replace(",", ""))
    limited = [node for node in reader.specification.body
               if isinstance(node.parameters.get("limit"), int)]  # fmt: skip
    verb = match.groupdict().get("verb") or ""
    words = match["what"] if verb.lower() in _ANY_VERB else f"{verb} {match['what']}"
    fitting = [node for node in limited if _about(node, words)]
    if count is None or len(fitting) != 1:
        return None
    return [SetField(fitting[0].id, ("parameters", "limit"), count)]


def _by_how_many(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “scrape 10 more reviews”, or twice as many."""
    limited = [
        node
        for node in reader.specification.body
        if isinstance(node.parameters.get("limit"), int) and _about(node, match["what"] or "")
    ]
    if len(limited) != 1:
        return None
    old, said = int(limited[0].parameters["limit"]), match.groupdict()
    if said.get("n"):
        by = number_of(said["n"]) or 0
        new = old + by if (said["how"] or "").lower() in ("more", "additional") else old - by
    else:
        new = old * 2 if (said["times"] or "").lower() in ("double", "twice") else old // 2
    return [SetField(limited[0].id, ("parameters", "limit"), new)] if new > 0 else None


def _about(node: Node, words: str) -> bool:
    meant = words_of(f"{node.id} {node.description} {node.parameters.get('items', '')}")
    return all(word in meant for word in words_of(words))


_ANY_VERB = ("take", "get", "use", "fetch", "keep", "process", "handle", "read", "do", "need",
             "want")  # fmt: skip
_TABLE = re.compile(r"(\b(?:into|from|update)\s+)([\w.]+)", re.IGNORECASE)

RULES: tuple[Rule, ...] = rules(
    (r"(?P<new>.+?),? (?:instead of|rather than|in place of) (?P<old>\S+)", _said_again),
    (rf"(?P<said>.*?{MODEL}.*?)(?:,? (?:instead of|rather than) (?P<old>\S+)| instead)?", _model),
    (r"(?:use|switch to|post to|go to|send to) (?P<channel>#[\w-]+) (?:for|with|in) (?P<what>.+)",
     _channel),
    (r"(?P<said>(?:save|store|write|log|insert|read|query|get|take) .*?)(?:to|in|into|from) the"
     rf" table (?P<table>[A-Za-z_]\w*){INSTEAD}", _table),
    (rf"(?:use|{TO_SET}) (?:the )?table(?: of (?P<said>.+?))? (?:from (?P<old>\w+) )?"
     rf"(?:to |name )?(?P<table>[A-Za-z_]\w*){INSTEAD}?", _table),
    (rf"(?:(?:we|i) )?(?:only|just|at most) (?P<verb>\w+) (?:only |at most |the )*(?:first )?"
     rf"(?P<n>{NUMBER}) (?P<what>[\w ]+)", _how_many),
    (rf"(?P<verb>\w+) (?:only|just|at most) (?:the )?(?:first )?(?P<n>{NUMBER}) (?P<what>[\w ]+)",
     _how_many),
    (rf"(?P<verb>\w+) (?P<n>{NUMBER}) (?P<what>[\w ]+?) instead", _how_many),
    (rf"(?:limit|restrict|reduce|cap) (?:it|them|this|the [\w ]+?) (?:to|at) (?:the )?"
     rf"(?:first )?(?P<n>{NUMBER})(?P<what>(?: [\w ]+)?)", _how_many),
    (rf"{TO_SET} (?:the )?(?:number|amount|count) of (?P<what>[\w ]+?)(?: from {NUMBER})? to "
     rf"(?P<n>{NUMBER})", _how_many),
    (rf"\w+ (?P<n>{COUNT}|{NUMBER}) (?P<how>more|additional|fewer|less) (?P<what>[\w ]+)",
     _by_how_many),
    (r"(?P<times>double|halve) (?:the )?(?:number|amount|count|limit)(?: of (?P<what>[\w ]+))?",
     _by_how_many),
)  # fmt: skip
