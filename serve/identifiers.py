"""Identifiers as the outside writes them: a prefix and the UUID's 32 hexadecimal digits."""

from typing import Literal
from uuid import UUID

from serve.problems import ApiError

Kind = Literal["wf", "exec", "appr", "org", "user", "evt"]
_WORDS = {"wf": "workflow", "exec": "execution", "appr": "approval", "org": "organization",
          "user": "user", "evt": "event"}  # fmt: skip


def render(kind: Kind, id: UUID) -> str:
    """Return an identifier, such as `wf_0199…`."""
    return f"{kind}_{id.hex}"


def parse(kind: Kind, text: str) -> UUID:
    """Return the UUID of an identifier.

    Raises:
        ApiError: It is not one; answered as 404, since no such thing can exist.
    """
    digits = text.removeprefix(f"{kind}_")
    try:
        if digits == text or len(digits) != 32:
            raise ValueError(text)
        return UUID(hex=digits)
    except ValueError:
        word = _WORDS[kind]
        raise ApiError(
            404,
            f"There is no {word} {text[:80]!r}.",
            f"An identifier of this kind looks like {kind}_0199a1b2… (32 hexadecimal digits).",
        ) from None
