"""How an operation logs in: its security schemes as secrets and the api agent's authentication."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

from agents.openapi_inputs import Inputs
from agents.openapi_schemas import resolved


def secure(
    document: Mapping[str, Any],
    about: Mapping[str, Any],
    inputs: Inputs,
    server: str,
    service: str,
) -> tuple[str, ...]:
    """Add what an operation logs in with to its inputs; return the inputs that are secrets.

    The first way that can be gone is taken; with none, the operation is called without.

    Args:
        document: The document.
        about: The operation.
        inputs: Its inputs so far.
        server: Where it is called; a relative token address is relative to it.
        service: The service's name in snake case, with which secrets are named.
    """
    asked = about.get("security", document.get("security"))
    ways = [way for way in asked if isinstance(way, Mapping)] if isinstance(asked, list) else []
    components = document.get("components")
    known = components.get("securitySchemes") if isinstance(components, Mapping) else None
    schemes = known if isinstance(known, Mapping) else {}
    is_optional = {} in ways
    for way in ways:
        if not way:
            continue
        login = _Login(inputs, service, required=not is_optional)
        found = {name: resolved(document, schemes.get(name)) for name in way}
        if all(_can(scheme) for scheme in found.values()) and _one_header(found):
            for name, scheme in found.items():
                login.add(str(name), scheme, way[name], server)
            return tuple(login.secrets)
    return ()


def _can(scheme: Any) -> bool:
    if not isinstance(scheme, Mapping):
        return False
    kind = str(scheme.get("type"))
    if kind == "apiKey":
        places = ("header", "query", "cookie")
        return isinstance(scheme.get("name"), str) and str(scheme.get("in")) in places
    if kind == "http":
        return str(scheme.get("scheme")).lower() in ("basic", "bearer")
    return kind in ("oauth2", "openIdConnect")


def _one_header(schemes: Mapping[str, Any]) -> bool:
    """Whether at most one of them needs the Authorization header."""
    return [scheme.get("type") == "apiKey" for scheme in schemes.values()].count(False) <= 1


class _Login:
    def __init__(self, inputs: Inputs, service: str, *, required: bool) -> None:
        self.secrets: list[str] = []
        self._inputs = inputs
        self._service = service
        self._required = required

    def add(self, written: str, scheme: Mapping[str, Any], scopes: Any, server: str) -> None:
        """Add one scheme."""
        kind = scheme["type"]
        if kind == "apiKey":
            self._add_key(written, scheme)
        elif kind == "http" and str(scheme["scheme"]).lower() == "basic":
            self._inputs.request["auth"] = {
                "type": "basic",
                "username": self._secret("username", f"{written}_username"),
                "password": self._secret("password", f"{written}_password"),
            }
        elif (address := _token_url(scheme, server)) and not _has_braces(address, scopes):
            self._inputs.request["auth"] = {
                "type": "oauth2",
                "token_url": address,
                "client_id": self._secret("client_id", f"{written}_client_id"),
                "client_secret": self._secret("client_secret", f"{written}_client_secret"),
                "scope": " ".join(map(str, scopes)) if isinstance(scopes, list) else "",
            }
        else:
            self._inputs.request["auth"] = {
                "type": "bearer", "token": self._secret("token", f"{written}_token")
            }  # fmt: skip

    def _add_key(self, written: str, scheme: Mapping[str, Any]) -> None:
        template, name = self._secret("api_key", written), str(scheme["name"])
        if scheme["in"] == "cookie":
            self._inputs.put_cookie(name, template[1:-1])
        else:
            self._inputs.put("headers" if scheme["in"] == "header" else "params", name, template)

    def _secret(self, name: str, usual: str) -> str:
        usual = re.sub(r"[^a-z0-9]+", "_", f"{self._service}_{usual}".lower()).strip("_")
        schema = {"type": "string", "minLength": 1, "x-secret": usual}
        added = self._inputs.add(name, schema, required=self._required)
        self.secrets.append(added)
        return f"{{{added}}}"


def _token_url(scheme: Mapping[str, Any], server: str) -> str | None:
    flows = scheme.get("flows")
    flow = flows.get("clientCredentials") if isinstance(flows, Mapping) else None
    address = flow.get("tokenUrl") if isinstance(flow, Mapping) else None
    return urljoin(server, address) if isinstance(address, str) and address else None


def _has_braces(address: str, scopes: Any) -> bool:
    return "{" in address or any("{" in str(scope) for scope in scopes or ())
