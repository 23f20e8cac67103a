"""Routes on versions: change a workflow, look at its versions, compare, publish, roll back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import PlainTextResponse

from agents.planner_reading import Reading
from compiler.diff import Change, diff, increment_of, next_version
from compiler.editing.rewriting import rewrite
from compiler.editing.widening import Widening, widens
from compiler.errors import Problem, SpecificationError
from compiler.specification import Specification
from compiler.text import load, load_document, locate, specification_hash, to_document
from serve.answers import asks_for_yaml, json_answer
from serve.callees import specification_problems
from serve.context import (
    ROLES_THAT_WRITE,
    Caller,
    Context,
    Shared,
    require_role,
    require_same_organization,
)
from serve.documents import timestamp
from serve.identifiers import parse, render
from serve.problems import ApiError, problem_document
from serve.questions import reading_document, unanswered
from serve.reading_texts import read_instruction
from serve.requests import Rollback, UpdateWorkflow
from serve.version_answers import (
    Difference,
    Published,
    RolledBack,
    UpdatedWorkflow,
    Version,
    VersionPage,
)
from store import versions, workflows
from store.accounts import Principal
from store.errors import Conflict

router = APIRouter(prefix="/api/v1/workflows", tags=["workflows"])

Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
SUMMARY_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class _Update:
    """A change that was read, with what is open about it."""

    base: versions.Version
    specification: Specification
    yaml_text: str
    changes: list[Change]
    widened: list[Widening]
    problems: list[Problem]
    questions: list[dict[str, Any]]
    reading: Reading | None
    """How the instruction was read; None: there was none to read."""

    @property
    def same(self) -> bool:
        """Whether nothing differs, not even a comment."""
        return self.yaml_text == self.base.yaml_text

    def told(self) -> dict[str, Any]:
        """Return what differs as JSON."""
        return {
            "changes": [change.to_document() for change in self.changes],
            "widens": [one.to_document() for one in self.widened],
        }


@router.put(
    "/{workflow_id}",
    responses={
        200: {"model": UpdatedWorkflow, "description": "Changed, or what would change"},
        409: {"description": "Changed meanwhile, or the change widens and is not confirmed"},
    },
)
async def update_workflow(
    workflow_id: str,
    body: UpdateWorkflow,
    context: Shared,
    caller: Caller,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Change a workflow, in English or as a whole: a new version; what runs keeps its own.

    A version that the YAML names is replaced by the next one.
    """
    require_same_organization(caller, body.organization_id)
    require_role(caller, ROLES_THAT_WRITE, "change workflows")
    id = parse("wf", workflow_id)
    base = await _base(context, caller, id, body.base_version or _version_of(if_match))
    update = await _read(context, caller, body, base)
    state: versions.State = "draft" if body.draft else "published"
    if body.dry_run:
        return json_answer(_document(context, update, state, None))
    if any(question["required"] for question in update.questions):
        raise unanswered(update.questions, update.reading)
    if update.problems:
        raise SpecificationError(update.problems)
    if update.same:
        document = _document(context, update, base.state, base.created_at)
    elif update.widened and not body.confirm:
        raise _unconfirmed(update)
    else:
        new = _new_version(update, caller, state, body.summary or body.description)
        workflow = await versions.add_version(context.pool, new)
        context.startables.forget(caller.tenant_id, id)
        document = _document(context, update, state, workflow.updated_at)
    answer = json_answer(document)
    answer.headers["etag"] = f'"{document["version"]}"'
    return answer


def _version_of(if_match: str | None) -> str | None:
    """Return the version that an `If-Match` names; None: any."""
    if if_match is None or if_match.strip() == "*":
        return None
    return if_match.strip().removeprefix("W/").strip('"')


async def _base(
    context: Context, caller: Principal, id: UUID, named: str | None
) -> versions.Version:
    """Return the version that a change is made of: the current one, or a draft."""
    if named is None:
        named = (await workflows.get_workflow(context.pool, caller.tenant_id, id)).version
    base = await versions.get_version(context.pool, caller.tenant_id, id, named)
    if base.state == "published" and not base.current:
        raise Conflict(
            f"Version {named} is not the current one any more.",
            "Look at what changed, and make the change anew from the current version.",
        )
    return base


async def _read(
    context: Context, caller: Principal, body: UpdateWorkflow, base: versions.Version
) -> _Update:
    old = Specification.model_validate(base.specification)
    questions: list[dict[str, Any]] = []
    reading: Reading | None = None
    text = base.yaml_text
    if body.yaml:
        new, text = load(body.yaml), body.yaml
    elif body.specification:
        new = load_document(body.specification)
    else:
        parsed = await read_instruction(context, caller, body, base.specification)
        questions, reading = parsed.questions, parsed.reading
        if parsed.document is None:
            raise unanswered(questions, reading)
        new = Specification.model_validate(parsed.document)
    agents = await context.signatures_for(caller.tenant_id, old, new)
    problems = await specification_problems(context.pool, caller.tenant_id, agents, new)
    said = new if body.yaml else old
    changes = diff(old, new)
    new = with_version(new, base.version)
    text = rewrite(text, said, new)
    if text != base.yaml_text:
        [latest], _ = await versions.list_versions(
            context.pool, caller.tenant_id, base.workflow_id, limit=1
        )
        increment = body.version_increment or increment_of(old, new)
        said, new = new, with_version(new, next_version(latest.version, increment))
        text = rewrite(text, said, new)
    return _Update(
        base=base,
        specification=new,
        yaml_text=text,
        changes=changes,
        widened=widens(old, new, agents),
        problems=locate(problems, text),
        questions=questions,
        reading=reading,
    )


def with_version(specification: Specification, version: str) -> Specification:
    """Return a specification whose metadata names a version."""
    metadata = specification.metadata.model_copy(update={"version": version})
    return specification.model_copy(update={"metadata": metadata})


def _document(
    context: Context, update: _Update, state: versions.State, updated_at: datetime | None
) -> dict[str, Any]:
    """Return what a change answers; without a time it is a dry run."""
    workflow_id, version = update.base.workflow_id, update.specification.metadata.version
    return {
        "workflow_id": render("wf", workflow_id),
        "version": version,
        "previous_version": update.base.version,
        "state": state,
        **update.told(),
        "yaml_config_url": _yaml_url(context, workflow_id, version) if updated_at else None,
        "updated_at": timestamp(updated_at),
        "dry_run": updated_at is None,
        "questions": update.questions,
        "reading": reading_document(update.reading),
        "problems": [problem_document(problem) for problem in update.problems],
        "yaml": update.yaml_text,
    }


def _unconfirmed(update: _Update) -> ApiError:
    named = ", ".join(f"{one.kind} {one.value}" for one in update.widened[:5])
    return ApiError(
        409,
        f"The change widens what the workflow may touch: {named}.",
        "Look at `widens` and send it again with `confirm: true`.",
        **update.told(),
    )


def _new_version(
    update: _Update, caller: Principal, state: versions.State, summary: str | None
) -> versions.NewVersion:
    fields = [f"{one.node_id}.{one.field}" if one.node_id else one.field for one in update.changes]
    base = update.base
    return versions.NewVersion(
        tenant_id=caller.tenant_id,
        workflow_id=base.workflow_id,
        user_id=caller.user_id,
        version=update.specification.metadata.version,
        state=state,
        base_version=(base.base_version or base.version) if base.state == "draft" else base.version,
        specification=to_document(update.specification),
        specification_sha256=specification_hash(update.specification),
        yaml_text=update.yaml_text,
        summary=(summary or ", ".join(fields))[:SUMMARY_CHARACTERS],
    )


def _yaml_url(context: Context, workflow_id: UUID, version: str) -> str:
    id = render("wf", workflow_id)
    return f"{context.config.base_url}/api/v1/workflows/{id}/versions/{version}?format=yaml"


def _summary(context: Context, version: versions.Version) -> dict[str, Any]:
    return {
        "workflow_id": render("wf", version.workflow_id),
        "version": version.version,
        "state": version.state,
        "current": version.current,
        "base_version": version.base_version,
        "summary": version.summary,
        "yaml_config_url": _yaml_url(context, version.workflow_id, version.version),
        "created_at": timestamp(version.created_at),
    }


@router.get("/{workflow_id}/versions", responses={200: {"model": VersionPage}})
async def list_versions(
    workflow_id: str, context: Shared, caller: Caller, limit: Limit = 50, offset: Offset = 0
) -> Response:
    """List a workflow's versions, the highest first."""
    found, total = await versions.list_versions(
        context.pool, caller.tenant_id, parse("wf", workflow_id), limit=limit, offset=offset
    )
    summaries = [_summary(context, version) for version in found]
    return json_answer({"versions": summaries, "total": total, "limit": limit, "offset": offset})


@router.get(
    "/{workflow_id}/versions/{version}",
    responses={
        200: {"model": Version, "content": {"application/yaml": {"schema": {"type": "string"}}}}
    },
)
async def get_version(
    workflow_id: str,
    version: str,
    request: Request,
    context: Shared,
    caller: Caller,
    format: Literal["json", "yaml"] | None = None,
) -> Response:
    """Return one version, as JSON or as its YAML."""
    found = await versions.get_version(
        context.pool, caller.tenant_id, parse("wf", workflow_id), version
    )
    if asks_for_yaml(request, format):
        return PlainTextResponse(found.yaml_text, media_type="application/yaml")
    return json_answer({**_summary(context, found), "specification": found.specification})


@router.get(
    "/{workflow_id}/versions/{from_version}/diff/{to_version}",
    responses={200: {"model": Difference}},
)
async def compare_versions(
    workflow_id: str, from_version: str, to_version: str, context: Shared, caller: Caller
) -> Response:
    """Return what differs between two versions, field by field."""
    id = parse("wf", workflow_id)
    old, new = [
        Specification.model_validate(
            (await versions.get_version(context.pool, caller.tenant_id, id, version)).specification
        )
        for version in (from_version, to_version)
    ]
    agents = await context.signatures_for(caller.tenant_id, old, new)
    return json_answer(
        {
            "workflow_id": render("wf", id),
            "from_version": from_version,
            "to_version": to_version,
            "changes": [change.to_document() for change in diff(old, new)],
            "widens": [one.to_document() for one in widens(old, new, agents)],
        }
    )


@router.post(
    "/{workflow_id}/versions/{version}/publish",
    responses={
        200: {"model": Published},
        409: {"description": "Another version was published since the draft was made"},
    },
)
async def publish_version(
    workflow_id: str, version: str, context: Shared, caller: Caller
) -> Response:
    """Make a draft the version that starts use."""
    require_role(caller, ROLES_THAT_WRITE, "publish versions")
    id = parse("wf", workflow_id)
    await _refuse_faulty(context, caller, id, version)
    moved = await versions.publish_version(context.pool, caller.tenant_id, id, version)
    context.startables.forget(caller.tenant_id, id)
    return json_answer({**_moved(moved), "published_at": timestamp(moved.workflow.updated_at)})


@router.post(
    "/{workflow_id}/rollback",
    responses={200: {"model": RolledBack}, 409: {"description": "It is a draft"}},
)
async def roll_back_workflow(
    workflow_id: str, body: Rollback, context: Shared, caller: Caller
) -> Response:
    """Make a former version the one that starts use; later versions stay."""
    require_same_organization(caller, body.organization_id)
    require_role(caller, ROLES_THAT_WRITE, "roll workflows back")
    id = parse("wf", workflow_id)
    await _refuse_faulty(context, caller, id, body.target_version)
    moved = await versions.roll_back(context.pool, caller.tenant_id, id, body.target_version)
    context.startables.forget(caller.tenant_id, id)
    return json_answer({**_moved(moved), "rolled_back_at": timestamp(moved.workflow.updated_at)})


async def _refuse_faulty(context: Context, caller: Principal, id: UUID, version: str) -> None:
    """Refuse a version that passed the check once and would not today.

    Raises:
        SpecificationError: An agent or a workflow that it names is another one by now.
    """
    found = await versions.get_version(context.pool, caller.tenant_id, id, version)
    specification = Specification.model_validate(found.specification)
    agents = await context.signatures_for(caller.tenant_id, specification)
    problems = await specification_problems(context.pool, caller.tenant_id, agents, specification)
    if problems:
        raise SpecificationError(locate(problems, found.yaml_text))


def _moved(moved: versions.Moved) -> dict[str, Any]:
    return {
        "workflow_id": render("wf", moved.workflow.id),
        "current_version": moved.workflow.version,
        "previous_version": moved.previous_version,
    }
