"""References to artifacts in the API's answers: where the rest of a value is."""

from typing import Any
from uuid import UUID

import orjson
from fastapi import Response

from serve.answers import json_answer
from serve.identifiers import render
from store.artifacts import KEY, Reference


def artifact_path(execution_id: UUID, sha256: str) -> str:
    """Return the path under which an artifact is."""
    return f"/api/v1/workflows/executions/{render('exec', execution_id)}/artifacts/{sha256}"


def linked_answer(document: Any, execution_id: UUID) -> Response:
    """Answer a document about an execution, each reference in it with its `url`."""
    text = orjson.dumps(document)
    if KEY.encode("ascii") not in text:
        return Response(text, media_type="application/json")
    return json_answer(_linked(document, execution_id))


def _linked(value: Any, execution_id: UUID) -> Any:
    if isinstance(value, list):
        return [_linked(item, execution_id) for item in value]
    if not isinstance(value, dict):
        return value
    if (reference := Reference.of(value)) is None:
        return {name: _linked(item, execution_id) for name, item in value.items()}
    url = artifact_path(execution_id, reference.sha256)
    return {**value, KEY: {**value[KEY], "url": url}}
