"""What the parser deployment does, apart from Ray: texts to specifications and edits."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from agents.models import OFFLINE
from agents.planner import Planner
from agents.planner_reading import Planned, Reading, timed
from compiler.english.own_agents import NONE, Own
from compiler.signature import AgentSignature
from compiler.specification import Specification
from compiler.text import to_document
from serve.remembered import Remembered
from store.parser_cache import CachedPlan


@dataclass(frozen=True, slots=True)
class ParsedText:
    """What a text became, as it travels to the API."""

    document: dict[str, Any] | None
    """The specification's; None: nothing can be made before the questions are answered."""
    questions: list[dict[str, Any]]
    reading: Reading


class TextParser:
    """Reads descriptions and instructions, each for a tenant.

    Args:
        planner: Reads them.
        remembered: What its models made of descriptions before; None: nothing is remembered.
    """

    def __init__(self, planner: Planner, remembered: Remembered | None = None) -> None:
        self._planner = planner
        self._remembered = remembered

    async def models(self) -> tuple[str, ...]:
        """Return the language models that are asked, the first one first."""
        return self._planner.models

    async def parse(
        self,
        tenant_id: UUID,
        text: str,
        name: str | None,
        answers: dict[str, str],
        offline: bool,
        agents: Mapping[str, AgentSignature] = MappingProxyType({}),
    ) -> ParsedText:
        """Read a description.

        Args:
            tenant_id: Whose text it is.
            text: The description.
            name: The workflow's name; None: one is made of the text.
            answers: Answers by question id.
            offline: Ask no language model.
            agents: The tenant's own agents that the text may mean, in the order of the text.
        """
        own = Own(agents) if agents else NONE
        if offline or self._remembered is None:
            return _parsed(await self._planner.plan(text, name, answers, offline=offline, own=own))
        begun = time.perf_counter()
        said = answers.get("description") or text
        found = await self._remembered.find(tenant_id, said, answers, own)
        if found is not None:
            reading = timed(Reading(found.model, cached=True), begun)
            return ParsedText(_named(found.document, name), found.questions, reading)
        parsed = _parsed(await self._planner.plan(text, name, answers, own=own))
        if parsed.document is not None and parsed.reading.by != OFFLINE:
            plan = CachedPlan(
                text=said,
                document=parsed.document,
                questions=parsed.questions,
                model=parsed.reading.by,
            )
            await self._remembered.keep(tenant_id, answers, plan, own)
        return parsed

    async def edit(
        self,
        tenant_id: UUID,
        text: str,
        document: dict[str, Any],
        answers: dict[str, str],
        offline: bool,
        agents: Mapping[str, AgentSignature] = MappingProxyType({}),
    ) -> ParsedText:
        """Read an instruction that changes a specification, and make the change."""
        former = Specification.model_validate(document)
        own = Own(agents) if agents else NONE
        return _parsed(await self._planner.edit(text, former, answers, offline=offline, own=own))


def _named(document: dict[str, Any], name: str | None) -> dict[str, Any]:
    metadata = {**document["metadata"], **({"name": name} if name else {})}
    return {**document, "metadata": metadata}


def _parsed(planned: Planned) -> ParsedText:
    document = to_document(planned.specification) if planned.specification else None
    return ParsedText(
        document, [asdict(question) for question in planned.questions], planned.reading
    )
