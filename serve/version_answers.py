"""The shapes of answers on versions of workflows, as the API's own description declares them."""

from typing import Literal

from pydantic import AwareDatetime

from compiler.specification import Specification
from serve.answers import (
    Answer,
    Change,
    Question,
    Reading,
    SpecificationProblem,
    Widening,
    WorkflowId,
)


class UpdatedWorkflow(Answer):
    """A workflow that was just changed, or what would change."""

    workflow_id: WorkflowId
    version: str
    previous_version: str
    """The version that the change was made of; the same one when nothing differs."""
    state: Literal["draft", "published"]
    changes: list[Change]
    widens: list[Widening]
    yaml_config_url: str | None
    """Null in a dry run."""
    updated_at: AwareDatetime | None
    """Null in a dry run."""
    dry_run: bool
    """Whether nothing was stored."""
    questions: list[Question]
    """What an instruction leaves open."""
    reading: Reading | None
    """How the instruction was read; null: there was none."""
    problems: list[SpecificationProblem]
    """What is wrong with the specification as it would be; only in a dry run."""
    yaml: str
    """The text as it is now, or would be."""


class VersionSummary(Answer):
    """A version as lists show it."""

    workflow_id: WorkflowId
    version: str
    state: Literal["draft", "published"]
    current: bool
    """Whether starts use it."""
    base_version: str | None
    """The published version that it was made of; null: it is the first."""
    summary: str
    yaml_config_url: str
    created_at: AwareDatetime


class VersionPage(Answer):
    """A page of versions, the highest first."""

    versions: list[VersionSummary]
    total: int
    limit: int
    offset: int


class Version(VersionSummary):
    """A whole version."""

    specification: Specification


class Difference(Answer):
    """What differs between two versions."""

    workflow_id: WorkflowId
    from_version: str
    to_version: str
    changes: list[Change]
    widens: list[Widening]


class RolledBack(Answer):
    """A workflow whose current version is another one."""

    workflow_id: WorkflowId
    current_version: str
    previous_version: str
    rolled_back_at: AwareDatetime


class Published(Answer):
    """A workflow whose draft became its current version."""

    workflow_id: WorkflowId
    current_version: str
    previous_version: str
    published_at: AwareDatetime
