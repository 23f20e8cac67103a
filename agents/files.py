"""Files that are made of a workflow's values: text, JSON, or bytes in base64.

A value that is large is an artifact of its execution; whoever names it by a reference is given the
whole of it, so files of any size are made in the same way.
"""

import base64
import binascii
import csv
import io
import mimetypes
import re
from typing import Any

import orjson
from pydantic import Field, model_validator

from agents.agent import Parameters
from agents.errors import AgentError

_MEDIA_TYPE = r"[\w.+-]+/[\w.+-]+"
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


class File(Parameters):
    """A file made of the workflow's own values."""

    filename: str = Field(min_length=1, max_length=255)
    content: Any = Field(default=None, description="Text, or JSON of any kind.")
    base64: str | None = Field(default=None, description="Bytes, instead of `content`.")
    content_type: str = Field(
        default="",
        pattern=f"^({_MEDIA_TYPE})?$",
        description="Its media type; empty: by the file's name.",
    )

    @model_validator(mode="before")
    @classmethod
    def _known(cls, data: Any) -> Any:
        if isinstance(data, str):
            raise ValueError(
                "files of the server cannot be attached: give {filename, content} or "
                "{filename, base64}"
            )
        if isinstance(data, dict) and isinstance(data.get("screenshot"), str):
            # A page that the web_scraping agent took a picture of.
            content = data["screenshot"].removeprefix("data:image/jpeg;base64,")
            return {"filename": "screenshot.jpg", "base64": content}
        if isinstance(data, dict) and "size_bytes" in data:
            # As `as_file` tells it.
            return {name: value for name, value in data.items() if name != "size_bytes"}
        return data

    @property
    def media_type(self) -> str:
        """Its media type, by its name when none is given."""
        guessed, encoding = mimetypes.guess_type(self.filename)
        return self.content_type or (not encoding and guessed) or "application/octet-stream"


def as_file(content: bytes, filename: str, content_type: str) -> dict[str, Any]:
    """Return bytes as a value that any agent takes as a file.

    Its base64 is an artifact of the execution when it is long, like any other value.
    """
    name = _UNSAFE.sub("_", filename.replace("\\", "/").rpartition("/")[2]).strip(". ")[:255]
    if not re.fullmatch(_MEDIA_TYPE, content_type):
        content_type = "application/octet-stream"
    return {
        "filename": name or f"file{mimetypes.guess_extension(content_type) or ''}",
        "content_type": content_type,
        "size_bytes": len(content),
        "base64": base64.b64encode(content).decode("ascii"),
    }


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
    if file.media_type == "text/csv" and _is_table(file.content):
        return _csv(file.content)
    return orjson.dumps(file.content, option=orjson.OPT_INDENT_2)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    """Write rows under the names that any of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else value
