"""Descriptions that a model has read before: the same workflow is not read anew.

A text that is the same but for case and punctuation gets the specification that was made of it. One
that asks for the same workflow with other values gets it with those values, checked again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import ValidationError

from compiler.check import check
from compiler.english.normalise import normalise
from compiler.likeness.comparison import compare
from compiler.likeness.revaluing import NotSure, revalued
from compiler.likeness.wording import read_wording
from compiler.signature import AgentSignature
from compiler.specification import Specification
from store.parser_cache import CachedPlan, ParserCache


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was made of a description, from memory."""

    document: dict[str, Any]
    questions: list[dict[str, Any]]
    model: str
    hit: Literal["same", "like"]
    """Whether the text was the same, or only the workflow."""


class Remembered:
    """What models have made of descriptions.

    Args:
        cache: Where it is kept.
        signatures: The agents; with other ones nothing is remembered.
        models: The models that would be asked, first to last; the same holds for them.
    """

    def __init__(
        self, cache: ParserCache, signatures: Mapping[str, AgentSignature], models: tuple[str, ...]
    ) -> None:
        self._cache = cache
        self._signatures = signatures
        self._circumstances = f"{catalogue_version(signatures)}\n{','.join(models)}"

    async def find(self, tenant_id: UUID, text: str, answers: Mapping[str, str]) -> Recalled | None:
        """Return what was made of a text, or of another one that asks for the same workflow."""
        plans = await self._cache.get(tenant_id, self._words(text, answers))
        for plan in plans:
            if _surface(plan.text) == _surface(text):
                document = _described(plan.document, text)
                return Recalled(document, plan.questions, plan.model, "same")
        for plan in plans:
            if (recalled := self._like(plan, text)) is not None:
                return recalled
        return None

    async def keep(
        self, tenant_id: UUID, text: str, answers: Mapping[str, str], plan: CachedPlan
    ) -> None:
        """Remember what a model made of a text."""
        await self._cache.put(tenant_id, self._words(text, answers), plan)

    def _words(self, text: str, answers: Mapping[str, str]) -> str:
        given = orjson.dumps(dict(sorted(answers.items()))).decode()
        return f"{self._circumstances}\n{given}\n{read_wording(text).key}"

    def _like(self, plan: CachedPlan, text: str) -> Recalled | None:
        likeness = compare(plan.text, text)
        if likeness is None:
            return None
        document = _described(plan.document, "")
        made = {"document": document, "questions": plan.questions}
        try:
            made = revalued(made, likeness)
            specification = Specification.model_validate(made["document"])
        except (NotSure, ValidationError):
            return None
        if check(specification, self._signatures):
            return None
        return Recalled(_described(made["document"], text), made["questions"], plan.model, "like")


def _described(document: dict[str, Any], text: str) -> dict[str, Any]:
    metadata = {**document.get("metadata", {}), "description": " ".join(text.split())}
    return {**document, "metadata": metadata}


def _surface(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text without case and spacing, and the addresses and quotes in it as they are."""
    marked = normalise(text)
    line = " ".join(marked.marked.split()).rstrip(" .!").casefold()
    return line, tuple(literal.value for literal in marked.literals)


def catalogue_version(signatures: Mapping[str, AgentSignature]) -> str:
    """Return what differs when an agent, or Weft itself, is another version."""
    told = [
        (one.name, one.description, one.parameters_schema, one.output_fields)
        for one in signatures.values()
    ]
    agents = hashlib.sha256(orjson.dumps(sorted(told, key=lambda one: one[0]))).hexdigest()
    return f"{version('weft-platform')} {agents}"
