"""Comparing an answer with the shape that the API declares for it."""

from typing import Any

from serve.answers import Answer


def fits(model: type[Answer], document: Any) -> None:
    """Check that a document is of a shape and has no field that the shape does not name."""
    read = model.model_validate(document)
    written = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert written == document
