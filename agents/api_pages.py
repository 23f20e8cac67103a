"""The pages of a list that an API gives in parts: the request for the next one, and the whole."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from agents.api_parameters import ApiParameters, Pagination
from agents.api_request import origin
from agents.errors import AgentError
from agents.scope import dig

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s\";,]+))*)")
_RELATION = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\";,]+))", re.IGNORECASE)


@dataclass(slots=True)
class Pages:
    """What has been read so far of one list."""

    way: Pagination
    items: list[Any] = field(default_factory=list)
    count: int = 0
    more: bool = False
    """Whether there are pages that were not read."""
    _seen: set[str] = field(default_factory=set)

    def first(self, parameters: ApiParameters) -> ApiParameters:
        """Return the parameters of the first page."""
        if self.way.type == "page":
            return self._with_mark(parameters, self.way.start)
        return parameters

    def add(
        self, parameters: ApiParameters, body: Any, headers: Mapping[str, str]
    ) -> ApiParameters | None:
        """Take a page; return the parameters of the next one, None at the end.

        Raises:
            AgentError: The page holds no list where it should, or the next one is elsewhere.
        """
        found = _list_in(body, self.way)
        self.items += found
        self.count += 1
        following = self._following(parameters, body, headers, len(found))
        if following is None:
            return None
        self.more = self.count >= self.way.max_pages
        return None if self.more else following

    def whole(self, body: Any) -> Any:
        """Return the last page's body with the list of all pages in it."""
        return _put(body, self.way.items.split("."), self.items) if self.way.items else self.items

    def _following(
        self, parameters: ApiParameters, body: Any, headers: Mapping[str, str], found: int
    ) -> ApiParameters | None:
        way = self.way
        if way.type in ("page", "offset"):
            if not found or (way.page_size and found < way.page_size):
                return None
            number = way.start + self.count if way.type == "page" else len(self.items)
            return self._with_mark(parameters, number)
        if way.type == "link_header":
            mark = next_link(headers.get("link", ""))
        else:
            mark = dig(body, way.next)
        # A mark that was there already leads in a circle; some services give the last one again.
        if not isinstance(mark, str | int) or mark in ("", False) or str(mark) in self._seen:
            return None
        self._seen.add(str(mark))
        if way.type == "cursor":
            return self._with_mark(parameters, mark)
        return self._at(parameters, urljoin(parameters.url, str(mark)))

    def _with_mark(self, parameters: ApiParameters, mark: str | int) -> ApiParameters:
        way = self.way
        if way.place == "params":
            return parameters.model_copy(
                update={"params": {**parameters.params, way.parameter: mark}}
            )
        body = parameters.body if isinstance(parameters.body, Mapping) else {}
        return parameters.model_copy(update={"body": {**body, way.parameter: mark}})

    def _at(self, parameters: ApiParameters, url: str) -> ApiParameters:
        """Return the parameters for a URL that holds the whole query."""
        changed: dict[str, Any] = {"url": url, "params": {}}
        if origin(url) != origin(parameters.url):
            if not self.way.other_origins:
                raise AgentError(
                    f"The next page is elsewhere: {url[:200]}.",
                    remedy="Set `pagination.other_origins: true` if that is right.",
                )
            # As for a redirect: what may be a secret stays with whom it is meant for.
            changed |= {"auth": None, "headers": {}, "body": None, "form": None, "multipart": None}
        return parameters.model_copy(update=changed)


def next_link(header: str) -> str | None:
    """Return the target of a Link header's `rel=next` (RFC 8288); None when it has none."""
    for match in _LINK.finditer(header):
        relation = _RELATION.search(match.group(2))
        if relation and "next" in (relation.group(1) or relation.group(2)).lower().split():
            return match.group(1).strip()
    return None


def _list_in(body: Any, way: Pagination) -> list[Any]:
    found = dig(body, way.items) if way.items else body
    if found is None and isinstance(body, Mapping):
        return []
    if not isinstance(found, list):
        raise AgentError(
            f"The answer holds no list under `{way.items}`." if way.items
            else "The answer is no list.",
            remedy="Say under `pagination.items` where in the body the list is.",
        )  # fmt: skip
    return found


def _put(value: Any, path: list[str], items: list[Any]) -> Any:
    if not path:
        return items
    below = value if isinstance(value, Mapping) else {}
    return {**below, path[0]: _put(below.get(path[0]), path[1:], items)}
