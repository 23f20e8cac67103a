"""Descriptions that a model has read before: the same workflow is not read anew.

A text that is the same but for case and spaces gets the specification that was made of it. One
that asks for the same workflow, in like words or with other values, gets it with its own values,
checked again, also for whether it touches only what the text names.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import ValidationError

from agents.grounding import named_in, unnamed
from agents.planner_plan import with_own
from compiler.check import check
from compiler.english.normalise import with_literals
from compiler.english.own_agents import NONE, Own
from compiler.english.parser import parse
from compiler.likeness.comparison import Likeness, compare
from compiler.likeness.revaluing import NotSure, revalued
from compiler.likeness.wording import plain_words
from compiler.signature import AgentSignature
from compiler.specification import Specification
from compiler.text import to_document
from store.parser_cache import CachedPlan, ParserCache

_LEAST_ALIKE = 0.6
"""The share of words that two texts have in common, of all words of both."""
_MOST_COMPARED = 4


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
        self._circumstances = f"{_catalogue_version(signatures)} {','.join(models)}"

    async def find(
        self, tenant_id: UUID, text: str, answers: Mapping[str, str], own: Own = NONE
    ) -> Recalled | None:
        """Return what was made of a text, or of another one that asks for the same workflow.

        Args:
            tenant_id: Whose text it is.
            text: The description.
            answers: Answers by question id.
            own: The tenant's agents that the text may mean; with other ones nothing is remembered.
        """
        scope = self._scope(answers, own)
        plan = await self._cache.get(tenant_id, scope, _surface(text))
        if plan is not None:
            return Recalled(_described(plan.document, text), plan.questions, plan.model, "same")
        entries = await self._cache.words(tenant_id, scope)
        for name in _alike(plain_words(text), entries):
            plan = await self._cache.get(tenant_id, scope, name)
            if (
                plan is not None
                and (recalled := self._revalued(plan, text, answers, own)) is not None
            ):
                return recalled
        return None

    async def keep(
        self, tenant_id: UUID, answers: Mapping[str, str], plan: CachedPlan, own: Own = NONE
    ) -> None:
        """Remember what a model made of a text."""
        words, scope = plain_words(plan.text), self._scope(answers, own)
        await self._cache.put(tenant_id, scope, _surface(plan.text), words, plan)

    def _scope(self, answers: Mapping[str, str], own: Own) -> str:
        given = orjson.dumps(dict(sorted(answers.items()))).decode()
        # Their order is the text's: "A, then B" is not "B, then A".
        told = f" {_digest(own.agents)}" if own.agents else ""
        return f"{self._circumstances} {given}{told}"

    def _revalued(
        self, plan: CachedPlan, text: str, answers: Mapping[str, str], own: Own
    ) -> Recalled | None:
        likeness = compare(plan.text, text)
        if likeness is None:
            return None
        made = {"document": _described(plan.document, ""), "questions": plan.questions}
        try:
            made = revalued(made, likeness)
            specification = Specification.model_validate(made["document"])
        except (NotSure, ValidationError):
            return None
        read = parse(text, own=own).specification, _read(plan.text, likeness, own)
        named, agents = named_in(text, answers, *read), with_own(self._signatures, own)
        if check(specification, agents) or unnamed(specification, named, agents, own=own):
            return None
        document = _described(made["document"], text)
        return Recalled(document, made["questions"], plan.model, "like")


def _alike(words: frozenset[str], entries: list[tuple[str, frozenset[str]]]) -> list[str]:
    """Return the names of the plans whose descriptions have most words in common with a text."""
    shares = [(len(words & other) / max(1, len(words | other)), name) for name, other in entries]
    best = sorted((one for one in shares if one[0] >= _LEAST_ALIKE), key=lambda one: -one[0])
    return [name for _, name in best[:_MOST_COMPARED]]


def _read(text: str, likeness: Likeness, own: Own) -> Specification | None:
    """Return what the offline parser makes of an older text, with the values of the newer one.

    The newer one may name the same services in small letters, which the parser passes over.
    """
    specification = parse(text, own=own).specification
    if specification is None:
        return None
    try:
        return Specification.model_validate(revalued(to_document(specification), likeness))
    except (NotSure, ValidationError):
        return None


def _described(document: dict[str, Any], text: str) -> dict[str, Any]:
    metadata = {**document.get("metadata", {}), "description": " ".join(text.split())}
    return {**document, "metadata": metadata}


def _surface(text: str) -> str:
    """Return a text without case and spacing, with the addresses and quotes in it as they are."""
    marked = with_literals(text)
    line = " ".join(marked.marked.split()).rstrip(" .!").casefold()
    return "\n".join([line, *(literal.value for literal in marked.literals)])


def _catalogue_version(signatures: Mapping[str, AgentSignature]) -> str:
    """Return what differs when an agent, or Weft itself, is another version."""
    by_name = dict(sorted(signatures.items()))
    return f"{version('weft-platform')} {_digest(by_name)}"


def _digest(agents: Mapping[str, AgentSignature]) -> str:
    told = [
        (name, one.description, one.parameters_schema, one.output_fields, one.unavailable)
        for name, one in agents.items()
    ]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()
