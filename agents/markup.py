"""HTML to text and to Markdown."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

_UNSEEN = ("script", "style", "noscript", "template", "svg", "iframe", "head")
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "fieldset", "figure"}
    | {"footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav"}
    | {"ol", "p", "pre", "section", "table", "tr", "ul", "br"}
)
_BEFORE_PUNCTUATION = re.compile(r"[ \t]+([,.;:!?…)\]])")
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "code": "`"}


def parse(html: str) -> LexborHTMLParser:
    """Return the document without what a reader does not see."""
    document = LexborHTMLParser(html)
    document.strip_tags(list(_UNSEEN[:-1]))
    return document


def page_text(document: LexborHTMLParser) -> str:
    """Return the readable text of a page, a block a line."""
    body = document.body
    return node_text(body, "\n") if body is not None else ""


def node_text(node: LexborNode, between: str = " ") -> str:
    """Return the text of an element; `between` separates its blocks."""
    pieces: list[str] = []
    for part in _walk(node, marked=False):
        pieces.append(part)
    blocks = ("".join(pieces)).split("\n")
    lines = [" ".join(block.split()) for block in blocks]
    return _BEFORE_PUNCTUATION.sub(r"\1", between.join(line for line in lines if line))


def markdown(node: LexborNode) -> str:
    """Return an element as Markdown: headings, lists, links, emphasis and paragraphs."""
    text = "".join(_walk(node, marked=True))
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _walk(node: LexborNode, *, marked: bool) -> Iterator[str]:
    for child in node.iter(include_text=True):
        if child.is_text_node:
            yield re.sub(r"\s+", " ", child.text(deep=False) or "")
            continue
        tag = child.tag or ""
        if tag in _UNSEEN or child.is_comment_node:
            continue
        inside = _walk(child, marked=marked)
        if marked:
            yield _marked(tag, child, "".join(inside))
        elif tag in _BLOCKS:
            yield "\n"
            yield from inside
            yield "\n"
        else:
            yield from inside
            # Cells and inline boxes that touch in the source stand apart on the page.
            if tag in ("td", "th", "span", "button", "label", "option"):
                yield " "


def _marked(tag: str, node: LexborNode, inside: str) -> str:
    if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
        return f"\n\n{'#' * int(tag[1])} {inside.strip()}\n\n"
    if tag == "li":
        number = _position(node) if node.parent is not None and node.parent.tag == "ol" else 0
        return f"\n{f'{number}.' if number else '-'} {inside.strip()}"
    if tag == "a" and (href := node.attributes.get("href")) and inside.strip():
        return f"[{inside.strip()}]({href})"
    if tag == "br":
        return "\n"
    if tag in _MARKS and inside.strip():
        return f"{_MARKS[tag]}{inside.strip()}{_MARKS[tag]}"
    if tag == "blockquote":
        return f"\n\n> {' '.join(inside.split())}\n\n"
    if tag in ("td", "th"):
        return f"{inside} "
    return f"\n\n{inside}\n\n" if tag in _BLOCKS else inside


def _position(node: LexborNode) -> int:
    number, before = 1, node.prev
    while before is not None:
        number += before.tag == "li"
        before = before.prev
    return number
