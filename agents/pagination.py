"""The way from one page of a list to the next."""

import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from agents.markup import node_text

_ARROWS = r"[>\u203a\u00bb\u2192]"
_NEXT_TEXT = re.compile(
    rf"^(?:next(?: page)?|older(?: posts)?|more|{_ARROWS}+)\s*{_ARROWS}*$", re.IGNORECASE
)


def next_page(document: LexborHTMLParser, base: str) -> str | None:
    """Return the address of the page after this one; None at the end."""
    for href in _next_links(document):
        url = urljoin(base, href)
        if urlsplit(url).scheme in ("http", "https") and without_fragment(url) != without_fragment(
            base
        ):
            return url
    return None


def _next_links(document: LexborHTMLParser) -> Iterator[str]:
    """The addresses that may be the next page's, the surest first."""
    declared = [*document.css("link[rel~=next][href]"), *document.css("a[rel~=next][href]")]
    anchors = document.css("a[href]")
    labelled = [
        node
        for node in anchors
        if (node.attributes.get("aria-label") or "").lower() in ("next", "next page")
    ]
    worded = [node for node in anchors if _NEXT_TEXT.match(node_text(node))]
    classed = document.css("a.next[href], .next > a[href], .pagination-next a[href]")
    for node in (*declared, *labelled, *worded, *classed):
        if "disabled" not in (node.attributes.get("class") or "").split():
            yield node.attributes.get("href") or ""


def without_fragment(url: str) -> str:
    """Return the address under which a page is visited once."""
    return urldefrag(url).url.rstrip("/")
