"""Instructions about the manner of what a step makes: which figure, which language, how long.

A model is told so at the end of its prompt, or in the place of what that said of it before.
"""

import re

from compiler.editing.finding import find_steps, words_of
from compiler.editing.operations import Operation, SetField
from compiler.editing.reader import Reader, Rule, rules
from compiler.editing.wording import COUNT, LANGUAGES
from compiler.specification import Node

_COMPUTED = {
    **dict.fromkeys(("average", "mean"), "average"),
    **dict.fromkeys(("sum", "total"), "sum"),
    **dict.fromkeys(("count", "number"), "count"),
    **dict.fromkeys(("maximum", "max", "highest", "largest"), "max"),
    **dict.fromkeys(("minimum", "min", "lowest", "smallest"), "min"),
}
"""What words for a figure are called as the aggregation that computes it."""
_LANGUAGES = rf"(?P<language>{LANGUAGES[1:-1]})"
_TONES = (
    r"(?P<tone>formal|informal|casual|friendly|polite|professional|neutral|persuasive|humorous|funny"
    r"|serious|technical|simple|upbeat|warm|matter-of-fact)"
)
_LENGTH = (
    rf"(?P<n>{COUNT}) (?P<unit>sentences?|words|paragraphs?|bullet points|bullets|lines|pages?"
    r"|characters)"
)
_AT_MOST = (
    r"(?:at most |no (?:more|longer) than |not (?:more|longer) than |up to |under |below "
    r"|max(?:imum)? |within )?"
)
_BE = r"(?:should|must|needs to|has to|ought to|shall)"
_FORMATS = r"(?P<format>pdf|html|csv|json|markdown|(?:plain )?text|excel|xlsx|word)"
_KNOWN_FORMATS = {"json": "json", "markdown": "markdown_report", "text": "text",
                  "plain text": "text"}  # fmt: skip


def _aggregation(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read “the average instead of the sum” as what the only step of that kind computes."""
    new = {_COMPUTED[word] for word in re.findall(r"[a-z]+", match["new"].lower())
           if word in _COMPUTED}  # fmt: skip
    old = match.groupdict().get("old")
    fitting = [node for node in reader.specification.body if node.agent == "aggregator"
               and node.parameters.get("aggregation") in _COMPUTED.values()
               and (not old or node.parameters["aggregation"] == _COMPUTED.get(old.lower()))
               ]  # fmt: skip
    if len(new) != 1 or len(fitting) != 1:
        return None
    return [SetField(fitting[0].id, ("parameters", "aggregation"), new.pop())]


def _language(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Let a text be in another language; one that a prompt names already goes."""
    language = match["language"].title()
    return _told(reader, match, _A_LANGUAGE, language, f"Write it in {language}.")


def _length(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    length = f"{match['n']} {match['unit']}"
    most = _BOUNDED.search(match[0]) is not None
    sentence = f"Use at most {length}." if most else f"Write {length}."
    unit = re.escape(match["unit"].lower().rstrip("s"))
    return _told(
        reader, match, re.compile(rf"\b{COUNT} {unit}s?\b", re.IGNORECASE), length, sentence
    )


def _tone(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    tone = match["tone"].lower()
    return _told(reader, match, _A_TONE, f"Use a {tone} tone.", f"Use a {tone} tone.")


_BOUNDED = re.compile(
    r"\b(?:at most|no (?:more|longer)|not (?:more|longer)|up to|under|below|max|within|limit|cap"
    r"|trim|keep|shorten|cut|less)",
    re.IGNORECASE,
)
_A_LANGUAGE = re.compile(rf"\b{_LANGUAGES}\b", re.IGNORECASE)
_A_TONE = re.compile(rf"Use an? {_TONES} tone\.", re.IGNORECASE)


def _told(
    reader: Reader, match: re.Match[str], said: re.Pattern[str], new: str, sentence: str
) -> list[Operation] | None:
    """Say something of a text in the prompt of the model that writes it."""
    node = _writer(reader, match.groupdict().get("what") or "")
    prompt = node.parameters.get("prompt") if node else None
    if node is None or not isinstance(prompt, str):
        return None
    found = said.findall(prompt)
    if len(found) > 1:
        return None
    text = said.sub(lambda _: new, prompt) if found else f"{prompt.rstrip()}\n\n{sentence}"
    return [SetField(node.id, ("parameters", "prompt"), text)] if text != prompt else None


def _writer(reader: Reader, words: str) -> Node | None:
    """Return the model's step that writes what words name; without a name the only one."""
    writers = [node.id for node in reader.specification.body if node.agent == "llm"]
    if not writers:
        return None
    if not words_of(words):
        return reader.specification.node(
            reader.one_of("text", "The text of which step is meant?", writers)
        )
    # “The mail” may mean the text in it, or the whole: only who writes what is named is meant.
    meant = [id for id in find_steps(words, reader.specification, least=0.7).node_ids
             if id in writers]  # fmt: skip
    return reader.specification.node(meant[0]) if len(meant) == 1 else None


def _format(reader: Reader, match: re.Match[str]) -> list[Operation] | None:
    """Read another format of a report; of one that there is not, ask which of those there are."""
    reports = [node.id for node in reader.specification.body if node.agent == "aggregator"
               and node.parameters.get("aggregation") == "summarize"]  # fmt: skip
    meant = find_steps(match["what"], reader.specification, reports, least=0.6).one
    if meant not in reports:
        return None
    wanted = _KNOWN_FORMATS.get(match["format"].lower())
    if wanted is None:
        answer = reader.ask(
            f"format.{meant}",
            f"`{meant}` writes Markdown, plain text or JSON; there is no {match['format']}. Which "
            "one is it to be?", ("markdown", "text", "json"),
        )  # fmt: skip
        wanted = _KNOWN_FORMATS.get(answer.lower(), answer)
    return [SetField(meant, ("parameters", "format"), wanted)]


_MAKE = r"(?:make|have|let|keep|write|get|put|produce|render|draft|do|phrase|give me)"

RULES: tuple[Rule, ...] = rules(
    (r"(?P<new>.+?),? (?:instead of|rather than|in place of) (?:the )?(?P<old>\w+)", _aggregation),
    (r"(?:use|calculate|compute|report|take|show) the (?P<new>\w+)(?: .+)? instead", _aggregation),
    (rf"{_MAKE} (?P<what>.+?)(?: be| written)* in {_LANGUAGES}", _language),
    (rf"(?P<what>.+?) {_BE} be (?:written )?in {_LANGUAGES}", _language),
    (rf"(?:write|answer|reply) in {_LANGUAGES}", _language),
    (rf"switch (?P<what>.+?) to {_LANGUAGES}", _language),
    (rf"{_MAKE} (?P<what>.+?) (?:be |to )?{_AT_MOST}{_LENGTH}(?: long| at most| max(?:imum)?"
     r"| or less)?", _length),
    (rf"(?:limit|cap|restrict|shorten|trim|cut) (?P<what>.+?) to {_AT_MOST}{_LENGTH}", _length),
    (rf"(?P<what>.+?) {_BE} (?:be|have|take) {_AT_MOST}{_LENGTH}(?: long| at most)?", _length),
    (rf"(?P<what>[a-z]+)(?: it| them)? in {_AT_MOST}{_LENGTH}(?: only)?", _length),
    (rf"{_MAKE} (?P<what>.+?) (?:sound |be )?(?:a bit |a little |much )?(?:more )?{_TONES}", _tone),
    (rf"(?:use|write in) an? (?:more )?{_TONES} (?:tone|style|voice)(?: (?:in|for) (?P<what>.+))?",
     _tone),
    (rf"(?P<what>.+?) {_BE} (?:be|sound) (?:more )?{_TONES}", _tone),
    (rf"(?:make|write|format|send|render|output|export|produce) (?P<what>.+?) (?:as |in |into |to "
     rf"|a )*{_FORMATS}(?: (?:format|file|document))?", _format),
    (rf"(?P<what>.+?) {_BE} be (?:an? |in |as )*{_FORMATS}", _format),
)  # fmt: skip
