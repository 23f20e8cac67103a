"""Routes on workflows: create, look, archive, delete."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse

from agents.planner_reading import Reading
from compiler.editing.rewriting import rewrite
from compiler.errors import Problem, SpecificationError
from compiler.inputs import fix_inputs
from compiler.specification import Specification
from compiler.templates.library import find_template
from compiler.text import dump, load, load_document, locate, specification_hash, to_document
from serve.answers import (
    CreatedWorkflow,
    DryRun,
    PlannedWorkflow,
    Workflow,
    WorkflowPage,
    WorkflowStatus,
    asks_for_yaml,
    json_answer,
)
from serve.callees import specification_problems
from serve.context import (
    ROLES_THAT_DELETE,
    ROLES_THAT_WRITE,
    Caller,
    Context,
    Shared,
    require_role,
    require_same_organization,
)
from serve.documents import (
    created_document,
    graph_document,
    workflow_document,
    workflow_summary,
)
from serve.identifiers import parse
from serve.planning import plan_document
from serve.problems import problem_document
from serve.questions import reading_document, unanswered
from serve.reading_texts import read_description
from serve.requests import CreateWorkflow, PlanWorkflow
from store import workflows
from store.accounts import Principal
from store.json_values import clean_text

router = APIRouter(prefix="/api/v1/workflows", tags=["workflows"])

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A specification that was read, with what is open about it."""

    specification: Specification
    questions: list[dict[str, Any]]
    reading: Reading | None
    """How the description was read; None: there was none to read."""
    problems: list[Problem]
    yaml_text: str

    @property
    def unanswered(self) -> list[dict[str, Any]]:
        return [question for question in self.questions if question["required"]]


@router.post(
    "/create",
    status_code=201,
    responses={
        200: {"model": DryRun, "description": "With `dry_run: true`: what would be created"},
        201: {"model": CreatedWorkflow, "description": "Created"},
    },
)
async def create_workflow(body: CreateWorkflow, context: Shared, caller: Caller) -> Response:
    """Create a workflow of a sentence, a specification, YAML or a template; or show it only."""
    require_same_organization(caller, body.organization_id)
    require_role(caller, ROLES_THAT_WRITE, "create workflows")
    draft = await _read(context, caller, body)
    if body.dry_run:
        return json_answer(await _dry_run(context, caller, draft, body.input))
    if draft.unanswered:
        raise unanswered(draft.questions, draft.reading)
    if draft.problems:
        raise SpecificationError(draft.problems)
    stored = await workflows.create_workflow(context.pool, _new_workflow(draft, body, caller))
    document = created_document(stored, draft.specification, context.config.base_url)
    told = {"questions": draft.questions, "reading": reading_document(draft.reading)}
    return json_answer({**document, **told}, 201)


async def _read(context: Context, caller: Principal, body: CreateWorkflow) -> _Draft:
    """Read what a request gives; only text that is no specification at all is an error here."""
    questions: list[dict[str, Any]] = []
    reading: Reading | None = None
    text = body.yaml or None
    if body.template:
        template = find_template(body.template)
        specification = fix_inputs(template.specification, body.inputs)
        text = rewrite(template.text, template.specification, specification)
    elif body.yaml:
        specification = load(body.yaml)
    elif body.specification:
        specification = load_document(body.specification)
    else:
        parsed = await read_description(context, caller, body)
        questions, reading = parsed.questions, parsed.reading
        if parsed.document is None:
            raise unanswered(questions, reading)
        specification = Specification.model_validate(parsed.document)
    if body.name and body.name != specification.metadata.name:
        metadata = specification.metadata.model_copy(update={"name": body.name})
        unnamed, specification = (
            specification,
            specification.model_copy(update={"metadata": metadata}),
        )
        text = rewrite(text, unnamed, specification) if text else None
    agents = await context.signatures_for(caller.tenant_id, specification)
    problems = await specification_problems(context.pool, caller.tenant_id, agents, specification)
    if text is not None:
        problems = locate(problems, text)
    return _Draft(specification, questions, reading, problems, text or dump(specification))


async def _dry_run(
    context: Context, caller: Principal, draft: _Draft, input: dict[str, Any]
) -> dict[str, Any]:
    return {
        "dry_run": True,
        "name": draft.specification.metadata.name,
        **graph_document(draft.specification),
        "plan": await plan_document(context, caller, draft.specification, input),
        "questions": draft.questions,
        "reading": reading_document(draft.reading),
        "problems": [problem_document(problem) for problem in draft.problems],
        "yaml": draft.yaml_text,
    }


def _new_workflow(draft: _Draft, body: CreateWorkflow, caller: Principal) -> workflows.NewWorkflow:
    specification = draft.specification
    return workflows.NewWorkflow(
        tenant_id=caller.tenant_id,
        organization_id=caller.organization_id,
        user_id=caller.user_id,
        name=specification.metadata.name,
        description=specification.metadata.description or body.description or "",
        version=specification.metadata.version,
        pattern=specification.pattern,
        specification=to_document(specification),
        specification_sha256=specification_hash(specification),
        yaml_text=draft.yaml_text,
        tags=list(dict.fromkeys([*body.tags, *specification.metadata.tags])),
    )


@router.get("", responses={200: {"model": WorkflowPage}})
async def list_workflows(
    context: Shared,
    caller: Caller,
    organization_id: str | None = None,
    status: WorkflowStatus | None = None,
    tags: str = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> Response:
    """List workflows, the newest first."""
    require_same_organization(caller, organization_id)
    wanted = [clean_text(tag.strip()) for tag in tags.split(",") if tag.strip()]
    found, total = await workflows.list_workflows(
        context.pool, caller.tenant_id, status=status, tags=wanted, limit=limit, offset=offset
    )
    summaries = [workflow_summary(workflow) for workflow in found]
    return json_answer({"workflows": summaries, "total": total, "limit": limit, "offset": offset})


@router.get(
    "/{workflow_id}",
    responses={
        200: {"model": Workflow, "content": {"application/yaml": {"schema": {"type": "string"}}}}
    },
)
async def get_workflow(
    workflow_id: str,
    request: Request,
    context: Shared,
    caller: Caller,
    format: Literal["json", "yaml"] | None = None,
) -> Response:
    """Return one workflow, as JSON or as its YAML."""
    workflow = await workflows.get_workflow(
        context.pool, caller.tenant_id, parse("wf", workflow_id)
    )
    if asks_for_yaml(request, format):
        return PlainTextResponse(workflow.yaml_text, media_type="application/yaml")
    return json_answer(workflow_document(workflow, context.config.base_url))


@router.post("/{workflow_id}/plan", responses={200: {"model": PlannedWorkflow}})
async def plan_workflow(
    workflow_id: str, body: PlanWorkflow, context: Shared, caller: Caller
) -> Response:
    """Say what an execution of a workflow would do, take and cost; nothing is called."""
    require_same_organization(caller, body.organization_id)
    id = parse("wf", workflow_id)
    workflow = await workflows.get_workflow(context.pool, caller.tenant_id, id)
    specification = Specification.model_validate(workflow.specification)
    return json_answer(
        {
            "workflow_id": workflow_id,
            "name": workflow.name,
            "version": workflow.version,
            **graph_document(specification),
            "plan": await plan_document(context, caller, specification, body.input, id),
        }
    )


@router.post("/{workflow_id}/archive", responses={200: {"model": Workflow}})
async def archive_workflow(workflow_id: str, context: Shared, caller: Caller) -> Response:
    """Take a workflow out of use; what runs goes on."""
    require_role(caller, ROLES_THAT_WRITE, "archive workflows")
    workflow = await workflows.archive_workflow(
        context.pool, caller.tenant_id, parse("wf", workflow_id)
    )
    return json_answer(workflow_document(workflow, context.config.base_url))


@router.delete(
    "/{workflow_id}",
    status_code=204,
    responses={409: {"description": "Executions of it have not ended"}},
)
async def delete_workflow(workflow_id: str, context: Shared, caller: Caller) -> None:
    """Delete a workflow; its executions stay readable."""
    require_role(caller, ROLES_THAT_DELETE, "delete workflows")
    await workflows.delete_workflow(context.pool, caller.tenant_id, parse("wf", workflow_id))
