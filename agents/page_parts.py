"""Tables and links of a page."""

from typing import Any
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborNode

from agents.markup import node_text

MOST_COLUMNS = 1_000
"""A cell may claim to span any number."""


def tables(node: LexborNode) -> list[list[dict[str, str | None]]]:
    """Return the outermost tables of an element: their rows as objects, named by their heads."""
    found = [node] if node.tag == "table" else node.css("table")
    inner = {child.mem_id for table in found for child in table.css("table table")}
    return [rows for table in found if table.mem_id not in inner and (rows := _rows(table))]


def _rows(table: LexborNode) -> list[dict[str, str | None]]:
    inside = {row.mem_id for nested in table.css("table table") for row in nested.css("tr")}
    lines = [row for row in table.css("tr") if row.mem_id not in inside]
    grid = _grid(lines)
    if not grid:
        return []
    head = 0
    if lines and all(cell.tag == "th" for cell in _cells(lines[0])):
        head = 1
    width = max(len(row) for row in grid)
    names = _names([text or "" for text in grid[0]] if head else [], width)
    return [
        dict(zip(names, [*row, *[None] * (width - len(row))], strict=True)) for row in grid[head:]
    ]


def _cells(row: LexborNode) -> list[LexborNode]:
    return [cell for cell in row.iter() if cell.tag in ("td", "th")]


def _grid(lines: list[LexborNode]) -> list[list[str | None]]:
    """Return the cells' texts in their columns; a cell that spans stands in each place."""
    grid: list[list[str | None]] = []
    below: dict[int, tuple[int, str]] = {}
    for line in lines:
        row: list[str | None] = []
        for cell in _cells(line):
            _fill(row, below)
            text = node_text(cell)
            rows = _span(cell, "rowspan")
            for _ in range(_span(cell, "colspan")):
                if rows > 1:
                    below[len(row)] = (rows - 1, text)
                row.append(text)
        _fill(row, below)
        if row:
            grid.append(row[:MOST_COLUMNS])
    return grid


def _fill(row: list[str | None], below: dict[int, tuple[int, str]]) -> None:
    """Add the cells of rows above that reach down to where this row is by now."""
    while found := below.get(len(row)):
        left, text = found
        if left > 1:
            below[len(row)] = (left - 1, text)
        else:
            del below[len(row)]
        row.append(text)


def _span(cell: LexborNode, name: str) -> int:
    text = (cell.attributes.get(name) or "").strip()
    return min(max(int(text), 1), MOST_COLUMNS) if text.isdecimal() and len(text) < 6 else 1


def _names(texts: list[str], width: int) -> list[str]:
    names: list[str] = []
    for place in range(width):
        text = texts[place] if place < len(texts) else ""
        name, again = text or f"column_{place + 1}", 2
        while name in names:
            name, again = f"{text or 'column'}_{again}", again + 1
        names.append(name)
    return names


def links(node: LexborNode, base: str) -> list[dict[str, Any]]:
    """Return the links of an element, each address once: `{url, text}`."""
    anchors = [node] if node.tag == "a" else node.css("a[href]")
    found: dict[str, str] = {}
    for anchor in anchors:
        href = (anchor.attributes.get("href") or "").strip()
        try:
            url = urljoin(base, href)
            scheme = urlsplit(url).scheme
        except ValueError:
            continue
        if href and scheme in ("http", "https", "mailto", "tel"):
            found[url] = found.get(url) or node_text(anchor)
    return [{"url": url, "text": text} for url, text in found.items()]
