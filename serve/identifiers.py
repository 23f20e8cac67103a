"""Identifiers as the outside writes them: a prefix and the UUID's 32 hexadecimal digits."""

import re
from typing import Literal
from uuid import UUID

from serve.problems import ApiError

Kind = Literal["wf", "exec", "appr", "org", "user", "evt", "agent"]
_WORDS = {"wf": "workflow", "exec": "execution", "appr": "approval", "org": "organization",
          "user": "user", "evt": "event", "agent": "agent"}  # fmt: skip
_DIGITS = re.compile("[0-9a-fA-F]{32}")


def render(kind: Kind, id: UUID) -> str:
    """Return an identifier, such as `wf_0199…`."""
    return f"{kind}_{id.hex}"


def parse(kind: Kind, text: str) -> UUID:
    """Return the UUID of an identifier.

    Raises:
        ApiError: It is not one; answered as 404, since no such thing can exist.
    """
    prefix, _, digits = text.partition("_")
    if prefix != kind or not _DIGITS.fullmatch(digits):
        raise ApiError(
            404,
            f"There is no {_WORDS[kind]} {text[:80]!r}.",
            f"An identifier of this kind looks like {kind}_0199a1b2… (32 hexadecimal digits).",
        )
    return UUID(hex=digits)
