"""Files that are made of a workflow's values: text, JSON, or bytes in base64.

A value that is large is an artifact of its execution; whoever names it by a reference is given the
whole of it, so files of any size are made in the same way.
"""

import base64
import binascii
from typing import Any

import orjson
from pydantic import Field, model_validator

from agents.agent import Parameters
from agents.errors import AgentError


class File(Parameters):
    """A file made of the workflow's own values."""

    filename: str = Field(min_length=1, max_length=255)
    content: Any = Field(default=None, description="Text, or JSON of any kind.")
    base64: str | None = Field(default=None, description="Bytes, instead of `content`.")
    content_type: str = Field(default="application/octet-stream", pattern=r"^[\w.+-]+/[\w.+-]+$")

    @model_validator(mode="before")
    @classmethod
    def _no_path(cls, data: Any) -> Any:
        if isinstance(data, str):
            raise ValueError(
                "files of the server cannot be attached: give {filename, content} or "
                "{filename, base64}"
            )
        return data


def file_bytes(file: File) -> bytes:
    """Return what is in a file.

    Raises:
        AgentError: It is not the base64 that it says it is.
    """
    if file.base64 is not None:
        try:
            return base64.b64decode(file.base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise AgentError(f"The file {file.filename} is not base64.") from error
    if isinstance(file.content, str):
        return file.content.encode("utf-8", "replace")
    return orjson.dumps(file.content, option=orjson.OPT_INDENT_2)
