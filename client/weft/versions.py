"""Changing workflows: versions, their differences, publishing, rollback; for both clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from weft.records import Change, Problem, Question, Reading, Widening
from weft.requests import WORKFLOWS, Request, path_of
from weft.sending import AsyncSender, Sender

Increment = Literal["patch", "minor", "major"]
State = Literal["draft", "published"]


class UpdatedWorkflow(TypedDict, total=False):
    """A workflow that was just changed, or what would change."""

    workflow_id: str
    version: str
    previous_version: str
    state: State
    changes: list[Change]
    widens: list[Widening]
    yaml_config_url: str | None
    updated_at: str | None
    dry_run: bool
    questions: list[Question]
    reading: Reading | None
    problems: list[Problem]
    yaml: str


class Version(TypedDict, total=False):
    """One version of a workflow."""

    workflow_id: str
    version: str
    state: State
    current: bool
    base_version: str | None
    summary: str
    yaml_config_url: str
    created_at: str
    specification: dict[str, Any]


class VersionPage(TypedDict):
    """A page of versions, the highest first."""

    versions: list[Version]
    total: int
    limit: int
    offset: int


class Difference(TypedDict):
    """What differs between two versions."""

    workflow_id: str
    from_version: str
    to_version: str
    changes: list[Change]
    widens: list[Widening]


class Moved(TypedDict, total=False):
    """A workflow whose current version is another one."""

    workflow_id: str
    current_version: str
    previous_version: str
    rolled_back_at: str
    published_at: str


def _path(workflow_id: str, *rest: str) -> str:
    return path_of(WORKFLOWS, workflow_id, *rest)


def _update(
    workflow_id: str,
    description: str | None,
    specification: Mapping[str, Any] | None,
    yaml: str | None,
    options: Mapping[str, Any],
) -> Request[UpdatedWorkflow]:
    sources = {"description": description, "specification": specification, "yaml": yaml}
    source = {name: value for name, value in sources.items() if value is not None}
    if len(source) != 1:
        raise ValueError("give exactly one of description, specification and yaml")
    body = {**source, **{name: value for name, value in options.items() if value}}
    return Request("PUT", _path(workflow_id), body=body, repeatable=False)


class Versions(Sender):
    """What `Client` can do with the versions of a workflow."""

    def update(
        self,
        workflow_id: str,
        description: str | None = None,
        *,
        specification: Mapping[str, Any] | None = None,
        yaml: str | None = None,
        version_increment: Increment | None = None,
        base_version: str | None = None,
        answers: Mapping[str, str] | None = None,
        offline: bool = False,
        draft: bool = False,
        dry_run: bool = False,
        confirm: bool = False,
        summary: str | None = None,
    ) -> UpdatedWorkflow:
        """Change a workflow by exactly one of an instruction, a specification and its YAML.

        Args:
            workflow_id: Which workflow.
            description: What to change, in English.
            specification: The whole new specification as JSON.
            yaml: The whole new specification as YAML text.
            version_increment: Which part of the version rises; None: what the changes ask for.
            base_version: The version that the change was made of; None: the current one.
            answers: Answers to the questions of an earlier refusal, by question id.
            offline: Read the instruction without a language model.
            draft: Keep it as a draft, which nothing starts before it is published.
            dry_run: Say what would change, and store nothing.
            confirm: The change may widen what the workflow touches.
            summary: What the list of versions says of it; None: the instruction, or the fields.

        Raises:
            WeftError: It is wrong (`problems`), leaves something open (`questions`), widens
                (`widens`), or the workflow was changed meanwhile.
            ValueError: Not exactly one source was given.
        """
        options = {
            "version_increment": version_increment, "base_version": base_version,
            "answers": dict(answers or {}), "draft": draft, "dry_run": dry_run,
            "confirm": confirm, "summary": summary, "offline": offline,
        }  # fmt: skip
        return self._send(_update(workflow_id, description, specification, yaml, options))

    def versions(self, workflow_id: str, *, limit: int = 50, offset: int = 0) -> VersionPage:
        """Return a page of a workflow's versions, the highest first."""
        params = {"limit": limit, "offset": offset}
        return self._send(Request("GET", _path(workflow_id, "versions"), params))

    def version(self, workflow_id: str, version: str) -> Version:
        """Return one version with its specification."""
        return self._send(Request("GET", _path(workflow_id, "versions", version)))

    def diff(self, workflow_id: str, from_version: str, to_version: str) -> Difference:
        """Return what differs between two versions."""
        path = _path(workflow_id, "versions", from_version, "diff", to_version)
        return self._send(Request("GET", path))

    def publish(self, workflow_id: str, version: str) -> Moved:
        """Make a draft the current version; safe to repeat."""
        return self._send(Request("POST", _path(workflow_id, "versions", version, "publish")))

    def rollback(self, workflow_id: str, target_version: str) -> Moved:
        """Make a former version the current one; safe to repeat."""
        body = {"target_version": target_version}
        return self._send(Request("POST", _path(workflow_id, "rollback"), body=body))


class AsyncVersions(AsyncSender):
    """What `AsyncClient` can do with the versions of a workflow."""

    async def update(
        self,
        workflow_id: str,
        description: str | None = None,
        *,
        specification: Mapping[str, Any] | None = None,
        yaml: str | None = None,
        version_increment: Increment | None = None,
        base_version: str | None = None,
        answers: Mapping[str, str] | None = None,
        offline: bool = False,
        draft: bool = False,
        dry_run: bool = False,
        confirm: bool = False,
        summary: str | None = None,
    ) -> UpdatedWorkflow:
        """Change a workflow; see `Client.update`.

        Raises:
            WeftError: It is wrong, leaves something open, widens, or was changed meanwhile.
            ValueError: Not exactly one source was given.
        """
        options = {
            "version_increment": version_increment, "base_version": base_version,
            "answers": dict(answers or {}), "draft": draft, "dry_run": dry_run,
            "confirm": confirm, "summary": summary, "offline": offline,
        }  # fmt: skip
        return await self._send(_update(workflow_id, description, specification, yaml, options))

    async def versions(self, workflow_id: str, *, limit: int = 50, offset: int = 0) -> VersionPage:
        """Return a page of a workflow's versions, the highest first."""
        params = {"limit": limit, "offset": offset}
        return await self._send(Request("GET", _path(workflow_id, "versions"), params))

    async def version(self, workflow_id: str, version: str) -> Version:
        """Return one version with its specification."""
        return await self._send(Request("GET", _path(workflow_id, "versions", version)))

    async def diff(self, workflow_id: str, from_version: str, to_version: str) -> Difference:
        """Return what differs between two versions."""
        path = _path(workflow_id, "versions", from_version, "diff", to_version)
        return await self._send(Request("GET", path))

    async def publish(self, workflow_id: str, version: str) -> Moved:
        """Make a draft the current version; safe to repeat."""
        return await self._send(Request("POST", _path(workflow_id, "versions", version, "publish")))

    async def rollback(self, workflow_id: str, target_version: str) -> Moved:
        """Make a former version the current one; safe to repeat."""
        body = {"target_version": target_version}
        return await self._send(Request("POST", _path(workflow_id, "rollback"), body=body))
