"""XPath over a page, evaluated by the browser that shows it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page as BrowserPage
from selectolax.lexbor import LexborHTMLParser, LexborNode

from agents.errors import AgentError

_PREFIX = "xpath="
# Marks the elements, which stay where they are; everything else is answered as it is.
_MARK = """([mark, selector, isXPath, fields]) => {
  const read = (path, node) => {
    const found = document.evaluate(path, node, null, XPathResult.ANY_TYPE, null);
    switch (found.resultType) {
      case XPathResult.NUMBER_TYPE: return [found.numberValue];
      case XPathResult.STRING_TYPE: return [found.stringValue];
      case XPathResult.BOOLEAN_TYPE: return [found.booleanValue];
    }
    const nodes = [];
    for (let node = found.iterateNext(); node; node = found.iterateNext()) nodes.push(node);
    return nodes;
  };
  const text = (value) => {
    if (!(value instanceof Node)) return value;
    if (value.nodeType === Node.ELEMENT_NODE) return value.innerText ?? value.textContent;
    const isAddress = ["href", "src"].includes(value.nodeName);
    const isReadable = isAddress && URL.canParse(value.nodeValue, document.baseURI);
    return isReadable ? new URL(value.nodeValue, document.baseURI).href : value.nodeValue;
  };
  let asked = selector;
  try {
    const items = !selector ? [document.body]
      : isXPath ? read(selector, document) : [...document.querySelectorAll(selector)];
    return {found: items.map((item, number) => {
      const isElement = item instanceof Node && item.nodeType === Node.ELEMENT_NODE;
      if (isElement) item.setAttribute(mark, number);
      const values = {};
      for (const [name, path] of isElement ? Object.entries(fields) : []) {
        asked = path;
        values[name] = read(path, item).map(text);
      }
      return {element: isElement, value: isElement ? null : text(item), fields: values};
    })};
  } catch (error) {
    return {wrong: asked};
  }
}"""


def is_xpath(selector: str) -> bool:
    """Whether a selector is XPath: no CSS selector begins so."""
    return selector.strip().startswith((_PREFIX, "/", "(", "./", ".."))


def xpath_of(selector: str) -> str:
    """Return the expression without its prefix."""
    return selector.strip().removeprefix(_PREFIX)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: elements, and values in each of them."""

    selector: str | None
    fields: Mapping[str, str] = field(default_factory=dict)
    """Those that are XPath."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was found: an element of the page, or a value."""

    number: int
    is_element: bool
    value: Any
    fields: Mapping[str, Any]
    """The values of the fields by name; several make a list."""


@dataclass(frozen=True, slots=True)
class Finds:
    """What was found, in the document's order."""

    mark: str
    found: tuple[Found, ...]

    def elements(self, document: LexborHTMLParser) -> dict[int, LexborNode]:
        """Return the elements that were found, by number, where they are in the page's text."""
        nodes = document.css(f"[{self.mark}]")
        return {int(node.attributes.get(self.mark) or 0): node for node in nodes}


async def find(page: BrowserPage, search: Search) -> Finds:
    """Evaluate a search in a page, and mark the elements that are found in it.

    Raises:
        AgentError: An expression is none; final.
    """
    mark = f"data-weft-{secrets.token_hex(8)}"
    selector = search.selector
    named = is_xpath(selector) if selector else False
    fields = {name: xpath_of(path) for name, path in search.fields.items()}
    given = [mark, xpath_of(selector) if selector and named else selector, named, fields]
    answer = await page.evaluate(_MARK, given)
    if not isinstance(answer, dict) or not isinstance(answer.get("found"), list):
        wrong = answer.get("wrong") if isinstance(answer, dict) else selector
        raise AgentError(
            f"`{wrong}` is neither XPath 1.0 nor a CSS selector.",
            remedy='Try it in a browser\'s console: $x("…").',
        )
    found = (
        Found(number, bool(one["element"]), one["value"],
              {name: _one(values) for name, values in one["fields"].items()})
        for number, one in enumerate(answer["found"])
    )  # fmt: skip
    return Finds(mark, tuple(found))


def _one(values: list[Any]) -> Any:
    values = [value.strip() if isinstance(value, str) else value for value in values]
    return values if len(values) > 1 else next(iter(values), None)
