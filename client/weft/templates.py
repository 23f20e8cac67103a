"""Templates to create workflows of, and the plans of stored workflows; for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from weft.records import Plan
from weft.requests import PREFIX, WORKFLOWS, Request, path_of
from weft.sending import AsyncSender, Sender

_TEMPLATES = f"{PREFIX}/templates"


class Template(TypedDict, total=False):
    """A workflow to begin with; `specification`, `levels` and `yaml` only when fetched by its id.

    `input_schema` is the JSON Schema of its input.
    """

    template_id: str
    name: str
    description: str
    tags: list[str]
    pattern: str
    input_schema: dict[str, Any]
    specification: dict[str, Any]
    levels: list[list[str]]
    yaml: str


def _list() -> Request[list[Template]]:
    return Request("GET", _TEMPLATES, member="templates")


def _get(template_id: str) -> Request[Template]:
    return Request("GET", path_of(_TEMPLATES, template_id))


def _plan(workflow_id: str, input: Mapping[str, Any] | None) -> Request[Plan]:
    path = path_of(WORKFLOWS, workflow_id, "plan")
    return Request("POST", path, body={"input": dict(input or {})})


class Templates(Sender):
    """What `Client` can do with templates and plans."""

    def templates(self) -> list[Template]:
        """Return all templates, in the order of their ids."""
        return self._send(_list())

    def template(self, template_id: str) -> Template:
        """Return a template with its specification and its YAML."""
        return self._send(_get(template_id))

    def plan(self, workflow_id: str, input: Mapping[str, Any] | None = None) -> Plan:
        """Say what an execution of a workflow would do, take and cost; nothing is called."""
        return self._send(_plan(workflow_id, input))


class AsyncTemplates(AsyncSender):
    """What `AsyncClient` can do with templates and plans."""

    async def templates(self) -> list[Template]:
        """Return all templates, in the order of their ids."""
        return await self._send(_list())

    async def template(self, template_id: str) -> Template:
        """Return a template with its specification and its YAML."""
        return await self._send(_get(template_id))

    async def plan(self, workflow_id: str, input: Mapping[str, Any] | None = None) -> Plan:
        """Say what an execution of a workflow would do, take and cost; nothing is called."""
        return await self._send(_plan(workflow_id, input))
