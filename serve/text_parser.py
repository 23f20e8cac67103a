"""What the parser deployment does, apart from Ray: texts to specifications and edits."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from agents.planner import Planner
from agents.planner_reading import Planned, Reading
from compiler.specification import Specification
from compiler.text import to_document


@dataclass(frozen=True, slots=True)
class ParsedText:
    """What a text became, as it travels to the API."""

    document: dict[str, Any] | None
    """The specification's; None: nothing can be made before the questions are answered."""
    questions: list[dict[str, Any]]
    reading: Reading


class TextParser:
    """Reads descriptions and instructions, each for a tenant."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    async def parse(
        self, tenant_id: UUID, text: str, name: str | None, answers: dict[str, str], offline: bool
    ) -> ParsedText:
        """Read a description.

        Args:
            tenant_id: Whose text it is.
            text: The description.
            name: The workflow's name; None: one is made of the text.
            answers: Answers by question id.
            offline: Ask no language model.
        """
        return _parsed(await self._planner.plan(text, name, answers, offline=offline))

    async def edit(
        self,
        tenant_id: UUID,
        text: str,
        document: dict[str, Any],
        answers: dict[str, str],
        offline: bool,
    ) -> ParsedText:
        """Read an instruction that changes a specification, and make the change."""
        former = Specification.model_validate(document)
        return _parsed(await self._planner.edit(text, former, answers, offline=offline))


def _parsed(planned: Planned) -> ParsedText:
    document = to_document(planned.specification) if planned.specification else None
    return ParsedText(
        document, [asdict(question) for question in planned.questions], planned.reading
    )
