"""From parameters to the base agent's parameters, and from its output to the agent's.

Templates are in the specification's own reference language. An entry that names a parameter which
was not given is left out, and so is an object or list of which nothing is left.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import orjson

from agents.catalog.call import SECRETS, Call
from compiler.references import (
    Reference,
    UnresolvedReference,
    lookup,
    parse_template,
    rendered,
    resolve,
)

_FORM = "application/x-www-form-urlencoded"
_ABSENT = object()


def request_of(entry: Call, values: Mapping[str, Any], service_url: str | None) -> dict[str, Any]:
    """Return the base agent's parameters.

    Args:
        entry: The agent.
        values: Its parameters, checked, and the idempotency key.
        service_url: What stands in the place of the service's own scheme and host.
    """
    return request_from(entry.request, values, form=entry.form, service_url=service_url)


def request_from(
    given: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    form: bool = False,
    service_url: str | None = None,
) -> dict[str, Any]:
    """Return the base agent's parameters of a template; see `request_of`.

    Args:
        given: The template.
        values: What its references name.
        form: Whether the body is written as a form.
        service_url: What stands in the place of its address's scheme and host.
    """
    template = dict(given)
    url = template.pop("url", None)
    request: dict[str, Any] = filled(template, values) or {}
    if url is not None:
        request["url"] = _url(url, values, service_url)
    if headers := request.get("headers"):
        request["headers"] = {name: _header(value) for name, value in headers.items()}
    if form:
        request["body"] = urlencode(list(_pairs(request.get("body", {}))))
        request["headers"] = {**request.get("headers", {}), "Content-Type": _FORM}
    return request


def output_of(template: Any, answer: Mapping[str, Any]) -> Any:
    """Return what a template finds in an answer; what is not there is null."""
    if isinstance(template, str):
        whole = parse_template(template).whole
        return template if whole is None else found_in(whole, answer)
    if isinstance(template, Mapping):
        return {name: output_of(value, answer) for name, value in template.items()}
    if isinstance(template, list):
        return [output_of(value, answer) for value in template]
    return template


def found_in(reference: Reference, answer: Mapping[str, Any]) -> Any:
    """Return what a reference names; None when there is nothing."""
    try:
        return lookup(reference, answer)
    except UnresolvedReference:
        return None


def filled(template: Any, values: Mapping[str, Any], *, skip: frozenset[str] = frozenset()) -> Any:
    """Return a template with its references replaced and what was not given left out.

    Args:
        template: Any JSON value.
        values: By root name; secrets that may be named under `secrets`.
        skip: Places that hold code, such as `script` or `routes[].when`: returned unchanged.

    Returns:
        The value; None when nothing is left of it.

    Raises:
        UnresolvedReference: A value that was given does not hold what a reference names.
    """
    found = _filled(template, values, skip, "")
    return None if found is _ABSENT else found


def _filled(template: Any, values: Mapping[str, Any], skip: frozenset[str], place: str) -> Any:
    if place in skip:
        return template
    if isinstance(template, str):
        references = parse_template(template).references
        given = all(values.get(reference.root) is not None for reference in references)
        return resolve(template, values, values.get(SECRETS)) if given else _ABSENT
    if isinstance(template, Mapping):
        dot = f"{place}." if place else ""
        entries = {k: _filled(v, values, skip, f"{dot}{k}") for k, v in template.items()}
        kept: Any = {name: value for name, value in entries.items() if value is not _ABSENT}
    elif isinstance(template, list | tuple):
        below = f"{place}[]"
        kept = [v for one in template if (v := _filled(one, values, skip, below)) is not _ABSENT]
    else:
        return template
    return kept if kept or not template else _ABSENT


def _url(template: str, values: Mapping[str, Any], service_url: str | None) -> str:
    """Fill an address; no value can leave the segment that it stands in."""
    url = "".join(
        part if isinstance(part, str) else _segment(rendered(lookup(part, values)))
        for part in parse_template(template).parts
    )
    if service_url is None:
        return url
    own, other = urlsplit(url), urlsplit(service_url)
    path = other.path.rstrip("/") + own.path
    return urlunsplit((other.scheme, other.netloc, path, own.query, ""))


def _segment(text: str) -> str:
    # A segment of dots alone would be resolved against the path before it.
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe=":")


def _header(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _pairs(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield a form's fields; what is nested goes into brackets: `items[0][price]`."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _pairs(item, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _pairs(item, f"{name}[{index}]")
    else:
        yield name, rendered(value)
