"""Phrases by which a text lets a language model use tools: "it may …", "with the tools A and B".

Only what says so plainly counts: "it can search the web" tells of a step, "it may" of a right.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from compiler.english.lexicon import lexicon

AGENT_MARK = r"\ue004\d+\ue00f"

_MODEL = (
    r"(?:it|they|(?:the|an?|our) (?:[\w-]+ )?(?:model|assistant|llm|ai|agent|bot|chatbot)"
    r"|claude|gpt\S*|chatgpt|gemini)"
)
_GRANT = re.compile(
    rf"(?:(?:and|but) )?(?:{_MODEL} (?:may|(?:is|are) (?:also )?(?:allowed|free|permitted) to)"
    rf"|(?:let|allow|permit) {_MODEL}(?: to)?) (?:also |only )?(?P<deeds>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_JOINED = re.compile(
    rf"(?:, (?:and |but )?|; | and )(?=(?:{_MODEL} (?:may|(?:is|are) (?:allowed|free) to)"
    r"|(?:let|allow) it) )",
    re.IGNORECASE,
)
_LETS = re.compile(
    r"(?P<before>(?:[^,.;]{1,120}, )?)(?:then )?"
    r"(?:let|allow|permit|have|ask) (?:the|an?|our) (?:[\w-]+ )?(?:model|assistant|llm|ai|chatbot)"
    r"(?: to)? (?P<deeds>.+?),? and (?:then )?"
    r"(?P<answer>(?:answer|reply|respond|decide|solve)\b.*)$",
    re.IGNORECASE | re.DOTALL,
)
_ASKS_MODEL = re.compile(
    r"\b(?:ask|let|have|tell) (?:the|an?|our) (?:[\w-]+ )?(?:model|assistant|llm|ai|chatbot|bot)"
    r"(?: to)? (?=[a-z])",
    re.IGNORECASE,
)
_SERVER = (
    r"(?:(?:of|on|from|at|by) )?(?:the |an? |our )?mcp[ -]server(?: (?:at|on|under|called))?"
    r" (?P<server>\ue000\d+\ue00f)(?P<sse> (?:over|by|via) (?:sse|server-sent events))?"
)
_NAME = r"(?!(?:of|on|from|at|and|to|the)\b)[A-Za-z][\w.-]*\w|\ue002\d+\ue00f"
_NAMES = rf"(?P<names>(?:{_NAME}|{AGENT_MARK})(?:(?:, and |, | and )(?:{_NAME}|{AGENT_MARK}))*)"
_LISTED = rf"(?P<listed>(?:{_NAME})(?:(?:, and |, | and )(?:{_NAME}))*)"
_USE_SERVER = re.compile(
    rf"(?:^|(?<=, )|(?<=then ))"
    rf"us(?:e|ing) (?:(?:the )?(?:mcp )?tools? (?:{_LISTED} )?)?{_SERVER} to (?=[a-z])",
    re.IGNORECASE,
)
_OF_SERVER = re.compile(
    rf",? (?:with|using|and|by) (?:the )?(?:mcp )?tools? (?:{_LISTED} )?{_SERVER}", re.IGNORECASE
)
_WITH_TOOLS = re.compile(
    rf"(?:,? (?:with|using)|, (?:it has|with access to|having)|^using)(?: access to)? (?:the )?"
    rf"tools:? "
    rf"{_NAMES}|,? (?:with|using) {_NAMES.replace('names', 'plain')} as tools?\b",
    re.IGNORECASE,
)
_CALL = re.compile(
    rf"(?:call|use|run|invoke|execute|ask)s? (?:the )?(?:mcp )?(?:tool (?P<tool>{_NAME})"
    rf"|(?P<named>{_NAME}) tool|(?P<bare>{_NAME})) {_SERVER}",
    re.IGNORECASE,
)
_LIST = re.compile(
    rf"(?:list|get|fetch|show)s? (?:all |the |available )*tools {_SERVER}", re.IGNORECASE
)
_AND = re.compile(r", and |, | and ")
ARGUMENT = re.compile(
    r"(?:(?:with|and|for|,) )*(?:the |an? )?(?P<name>(?!(?:with|and|for|the|an?|of)\b)[a-z]\w*)"
    r"(?: ?(?:=|:)| (?:is|of|set to))? ?"
    r"(?P<value>[\ue000-\ue003]\d+\ue00f|-?\d+(?:\.\d+)?(?![\w.]\w)|true\b|false\b)",
    re.IGNORECASE,
)
"""An argument of a tool with a value that is one by itself."""
_OF_MCP = re.compile(r"\bmcp[ -]server\b", re.IGNORECASE)


_SEGMENTS = re.compile(r"((?<=[.!?])\s+|\s*;\s*|\n+)")
_ARGUMENTS = re.compile(
    rf"(?:(?:,? (?:and|with|for)|,)? ?(?:{ARGUMENT.pattern}"
    r"|with (?:the |its )?[a-z]\w*(?: as (?:the |its )?[a-z]\w*)?(?=[,.;]|$| (?:and|then)\b)))*",
    re.IGNORECASE,
)
WITH_DATA = re.compile(
    r"\b(?:with|for) (?:the |its )?(?P<what>[a-z]\w*)(?: as (?:the |its )?(?P<name>[a-z]\w*))?"
    r"(?=[,.;]|$| (?:and|then|as)\b)",
    re.IGNORECASE,
)
"""An argument that is a result of the steps before: "with the question as query"."""
NAMES, SERVER, DEEDS, SSE = "names ", "server ", "deeds ", "sse "
"""How what is kept of a phrase begins: agents by name, tools of a server (by SSE), things to do."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A part of a text that gives a model tools, or calls one; it is a literal from there on."""

    kind: Literal["tools", "call"]
    value: str


Keep = Callable[[Phrase], str]
"""Takes a phrase and returns the mark that stands for it."""


def with_phrases(marked: str, keep: Keep) -> str:
    """Return a text in which marks stand for what gives a model tools or calls a server's."""
    if not _MAY_GIVE.search(marked):
        return marked
    parts = _SEGMENTS.split(marked)
    kept: list[str] = []
    for place in range(0, len(parts), 2):
        segment, before = parts[place], parts[place - 1] if place else ""
        said, deeds = granted(segment)
        if deeds is None:
            kept += [before, _without_tools(_with_calls(segment, keep), keep)]
            continue
        # "…; it may …" gives its tools to the step before.
        told, before = (said, before) if said else ("".join(kept), "")
        kept = [*kept, before] if said else []
        if not told.strip():
            kept.append(segment)
            continue
        mark = keep(Phrase("tools", f"{DEEDS}{deeds.strip(' .')}"))
        told = _ASKS_MODEL.sub("", _without_tools(told, keep)).rstrip(" .!?")
        kept.append(f"{told} {mark}.")
    return "".join(kept)


_MAY_GIVE = re.compile(
    r"\bmcp\b|\btools?\b|\b(?:may|allowed|allow|let|permit|permitted|free)\b|\bask (?:the|an?) ",
    re.IGNORECASE,
)


def granted(segment: str) -> tuple[str, str | None]:
    """Return what a segment says beside the tools that it gives, and the deeds that they are for.

    "Let the model look it up and answer" gives "answer" its tools; "it may look it up" alone gives
    them to the step before, for which the first part is empty. None: it gives none.
    """
    if match := _LETS.match(segment):
        return f"{match['before']}{match['answer']}", match["deeds"]
    parts = ["", segment] if _GRANT.match(segment) else _JOINED.split(segment, maxsplit=1)
    given = _GRANT.match(parts[1]) if len(parts) == 2 else None
    if given is None or not _is_deed(given["deeds"]):
        return segment, None
    return parts[0], given["deeds"]


def _is_deed(words: str) -> bool:
    """Whether words say what is done: "it may rain" gives nobody a tool."""
    first = words.lower().replace(",", "").split()[:3]
    known = (" ".join(first[:length]) in lexicon().verbs for length in (3, 2, 1))
    return any(known) or first[:1] == ["use"]


def _with_calls(segment: str, keep: Keep) -> str:
    """Keep "call the tool A of the MCP server U with query …" and "list the tools of …"."""
    if not _OF_MCP.search(segment) or _USE_SERVER.search(segment):
        return segment
    if match := _LIST.search(segment):
        mark = keep(Phrase("call", match[0]))
        return f"{segment[: match.start()]}{mark}{segment[match.end() :]}"
    match = _CALL.search(segment)
    if match is None or (match["bare"] or "").lower() in ("tools", "the", "tool"):
        return segment
    arguments = _ARGUMENTS.match(segment, match.end())
    end = arguments.end() if arguments else match.end()
    mark = keep(Phrase("call", segment[match.start() : end]))
    return f"{segment[: match.start()]}{mark}{segment[end:]}"


def _without_tools(segment: str, keep: Keep) -> str:
    """Keep "with the tools A and B" and "using the tools of the MCP server U"."""
    for pattern in (_USE_SERVER, _OF_SERVER):
        if match := pattern.search(segment):
            sse = SSE if match["sse"] else ""
            value = f"{SERVER}{sse}{match['server']} {match['listed'] or ''}"
            mark = keep(Phrase("tools", value))
            segment = _in_place(segment, match, mark, first=pattern is _USE_SERVER)
    if match := _WITH_TOOLS.search(segment):
        mark = keep(Phrase("tools", f"{NAMES}{match['names'] or match['plain']}"))
        segment = _in_place(segment, match, mark, first=not match.start())
    return segment


def _in_place(segment: str, match: re.Match[str], mark: str, *, first: bool) -> str:
    """Return a segment with a mark in place of a phrase; behind the verb that comes after it."""
    before, after = segment[: match.start()], segment[match.end() :]
    if not first:
        return f"{before} {mark}{after}"
    verb, _, rest = after.lstrip(" ,").partition(" ")
    return f"{before}{verb} {mark} {rest}"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool of an MCP server."""

    server: str
    """The mark of its address."""
    tool: str
    """Its name as it is written; empty: the tools are listed."""
    arguments: str
    """What follows."""
    sse: bool
    """By the older transport."""


def call_of(phrase: str) -> Call:
    """Return what a kept call says."""
    if match := _LIST.match(phrase):
        return Call(match["server"], "", "", bool(match["sse"]))
    match = _CALL.match(phrase)
    if match is None:
        raise AssertionError("only calls are kept as calls")
    tool = match["tool"] or match["named"] or match["bare"]
    return Call(match["server"], tool, phrase[match.end() :], bool(match["sse"]))


def listed(names: str) -> list[str]:
    """Return the names of a list."""
    return [name for name in _AND.split(names.strip()) if name]


def takes_data(arguments: str) -> bool:
    """Whether a call is given what steps before it made."""
    return WITH_DATA.search(arguments) is not None
