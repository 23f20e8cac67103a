"""Routes on templates: which there are, and what each one does."""

from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from compiler.templates.library import Template, templates
from compiler.text import to_document
from compiler.topology import layout
from serve import template_answers
from serve.answers import asks_for_yaml, json_answer
from serve.context import Caller
from store.errors import NotFound

router = APIRouter(prefix="/api/v1/templates", tags=["templates"])


@router.get("", responses={200: {"model": template_answers.TemplateList}})
async def list_templates(caller: Caller) -> Response:
    """List the templates, in the order of their ids."""
    found = [_summary(template) for template in templates().values()]
    return json_answer({"templates": found, "total": len(found)})


@router.get(
    "/{template_id}",
    responses={
        200: {
            "model": template_answers.Template,
            "content": {"application/yaml": {"schema": {"type": "string"}}},
        }
    },
)
async def get_template(
    template_id: str,
    request: Request,
    caller: Caller,
    format: Literal["json", "yaml"] | None = None,
) -> Response:
    """Return one template, as JSON or as its YAML."""
    template = templates().get(template_id)
    if template is None:
        raise NotFound("template", template_id)
    if asks_for_yaml(request, format):
        return PlainTextResponse(template.text, media_type="application/yaml")
    return json_answer(_document(template))


def _summary(template: Template) -> dict[str, Any]:
    specification = template.specification
    return {
        "template_id": template.id,
        "name": specification.metadata.name,
        "description": specification.metadata.description,
        "tags": list(specification.metadata.tags),
        "pattern": specification.pattern,
        "input_schema": specification.state_schema.input,
    }


def _document(template: Template) -> dict[str, Any]:
    specification = template.specification
    return {
        **_summary(template),
        "specification": to_document(specification),
        "levels": [list(names) for names in layout(specification)],
        "yaml": template.text,
    }
