"""The request of an api node: headers, query and body, as bytes that are the same each time."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from agents.api_parameters import ApiKeyAuth, ApiParameters, Auth, BasicAuth, BearerAuth
from agents.egress import split_url
from agents.exchange import Request
from agents.files import File, file_bytes
from compiler.references import rendered

_FORM = "application/x-www-form-urlencoded"
_FIELD = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""How a name is written in a part's head, as browsers do."""


def request_of(parameters: ApiParameters, idempotency_key: str, token: str = "") -> Request:
    """Return the request that parameters say.

    Args:
        parameters: The node's.
        idempotency_key: Sent along with what is not safe to repeat.
        token: The access token of `oauth2`.

    Raises:
        AgentError: A file is not what it says it is.
    """
    headers = dict(parameters.headers)
    query = dict(_pairs(parameters.params))
    names = {name.lower() for name in headers}
    content = None
    if parameters.method != "HEAD":
        content, media_type = _content(parameters)
        if media_type.startswith("multipart/"):
            headers = {k: v for k, v in headers.items() if k.lower() != "content-type"}
            headers["Content-Type"] = media_type
        elif media_type and "content-type" not in names:
            headers["Content-Type"] = media_type
    if parameters.method in ("POST", "PATCH") and "idempotency-key" not in names:
        headers["Idempotency-Key"] = idempotency_key
    own_headers, own_query = login(parameters.auth, token)
    headers |= own_headers
    query |= own_query
    return Request(parameters.method, parameters.url, headers, query, content, parameters.timeout)


def login(auth: Auth | None, token: str | None = None) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers and the query parameters that log a request in.

    Args:
        auth: How.
        token: What was asked for beforehand, where it has to be.
    """
    match auth:
        case BearerAuth(token=given):
            return {"Authorization": f"Bearer {given}"}, {}
        case BasicAuth(username=username, password=password):
            pair = base64.b64encode(f"{username}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}, {}
        case ApiKeyAuth(key=key, name=name, location="header"):
            return {name: key}, {}
        case ApiKeyAuth(key=key, name=name):
            return {}, {name: key}
    return ({"Authorization": f"Bearer {token}"} if token else {}), {}


def origin(url: str) -> tuple[str, str, int]:
    """Return the scheme, host and port of a URL; see `split_url`."""
    host, port = split_url(url)
    return urlsplit(url).scheme, host.lower(), port


def _content(parameters: ApiParameters) -> tuple[bytes | None, str]:
    """Return the body and its media type."""
    if parameters.form is not None:
        return urlencode(dict(_pairs(parameters.form)), doseq=True).encode(), _FORM
    if parameters.multipart is not None:
        return _multipart(parameters.multipart)
    if parameters.file is not None:
        return file_bytes(parameters.file), parameters.file.media_type
    if isinstance(parameters.body, str):
        return parameters.body.encode("utf-8", "replace"), "text/plain; charset=utf-8"
    if parameters.body is None:
        return None, ""
    return orjson.dumps(parameters.body), "application/json"


def _pairs(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield fields with texts or lists of texts; what is in an object goes into brackets."""
    for key, item in value.items():
        name = f"{above}[{key}]" if above else str(key)
        if isinstance(item, Mapping):
            yield from _pairs(item, name)
        elif isinstance(item, list | tuple):
            yield name, [_text(entry) for entry in item]
        else:
            yield name, _text(item)


def _text(value: Any) -> str:
    return "" if value is None else rendered(value)


def _multipart(fields: Mapping[str, Any]) -> tuple[bytes, str]:
    parts = [
        _part(name, value)
        for name, given in fields.items()
        for value in (given if isinstance(given, list) else [given])
    ]
    # Of the content, so that it is the same for every attempt and stands nowhere in it.
    boundary = f"weft-{hashlib.sha256(b''.join(parts)).hexdigest()[:40]}"
    mark = f"--{boundary}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return body, f"multipart/form-data; boundary={boundary}"


def _part(name: str, value: Any) -> bytes:
    head = f'Content-Disposition: form-data; name="{name.translate(_FIELD)}"'
    if not isinstance(value, Mapping):
        return f"{head}\r\n\r\n{_text(value)}".encode("utf-8", "replace")
    file = File.model_validate(value)
    head += f'; filename="{file.filename.translate(_FIELD)}"\r\nContent-Type: {file.media_type}'
    return head.encode("utf-8", "replace") + b"\r\n\r\n" + file_bytes(file)
