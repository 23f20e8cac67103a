"""Descriptions that were read before: found again with other values, and only by their tenant."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from agents.registry import builtin_registry
from compiler.english.own_agents import Own
from compiler.english.parser import parse
from compiler.text import to_document
from serve.remembered import Remembered
from store.parser_cache import CachedPlan, ParserCache
from tests.compiler.own_agents import registered

SIGNATURES = builtin_registry().signatures()
OLDER = "Summarize https://a.example/report and email the summary to ann@example.com"
NEWER = "Please summarise https://b.example/x, then mail the summary to bob@example.com."


def made_of(text: str) -> CachedPlan:
    """Return a plan for a text, as a model would make it."""
    specification = parse(text).specification
    assert specification is not None
    question = {"id": "q", "text": "Is ann@example.com right?", "required": False}
    return CachedPlan(
        text=text, document=to_document(specification), questions=[question], model="a-model"
    )


@pytest.fixture
async def cache(redis_url: str) -> AsyncIterator[ParserCache]:
    """A cache in this run's Redis."""
    async with Redis.from_url(redis_url) as redis:
        yield ParserCache(redis)


def remembered(cache: ParserCache, *models: str, agents: Any = SIGNATURES) -> Remembered:
    """Return a memory for some models."""
    return Remembered(cache, agents, models or ("a-model",))


@pytest.mark.requirement("NFR-1.5")
async def test_the_same_workflow_with_other_values_is_not_read_anew(cache: ParserCache) -> None:
    """Its specification and questions come back with the new values, and its own description."""
    memory, tenant_id = remembered(cache), uuid4()
    await memory.keep(tenant_id, {}, made_of(OLDER))
    found = await memory.find(tenant_id, NEWER, {})
    assert found is not None
    assert (found.hit, found.model) == ("like", "a-model")
    assert found.document["metadata"]["description"] == NEWER
    nodes = [node["parameters"] for node in found.document["nodes"]]
    assert nodes[0]["url"] == "https://b.example/x"
    assert nodes[-1]["to"] == "bob@example.com"
    assert found.questions[0]["text"] == "Is bob@example.com right?"
    assert "ann" not in str(found.document)


async def test_the_same_text_comes_back_whatever_its_case(cache: ParserCache) -> None:
    """Case, spaces and the last full stop do not matter."""
    memory, tenant_id = remembered(cache), uuid4()
    await memory.keep(tenant_id, {}, made_of(OLDER))
    found = await memory.find(tenant_id, f"  {OLDER.replace('Summarize', 'SUMMARIZE')}. ", {})
    assert found is not None
    assert found.hit == "same"
    assert found.document["nodes"] == made_of(OLDER).document["nodes"]
    other = await memory.find(tenant_id, OLDER.replace("/report", "/Report"), {})
    assert other is not None
    assert other.document["nodes"][0]["parameters"]["url"] == "https://a.example/Report"


async def test_nothing_comes_from_other_circumstances(cache: ParserCache) -> None:
    """Another tenant, model, catalogue or answer is another question."""
    tenant_id = uuid4()
    await remembered(cache).keep(tenant_id, {}, made_of(OLDER))
    fewer = {name: one for name, one in SIGNATURES.items() if name != "wait"}
    assert await remembered(cache).find(uuid4(), OLDER, {}) is None
    assert await remembered(cache, "other-model").find(tenant_id, OLDER, {}) is None
    assert await remembered(cache, agents=fewer).find(tenant_id, OLDER, {}) is None
    assert await remembered(cache).find(tenant_id, OLDER, {"q": "yes"}) is None
    assert await remembered(cache).find(tenant_id, OLDER, {}) is not None


async def test_what_no_longer_passes_the_check_is_not_given(cache: ParserCache) -> None:
    """A stored specification with new values is checked like any other."""
    memory, tenant_id = remembered(cache), uuid4()
    plan = made_of(OLDER)
    plan.document["nodes"][0]["agent"] = "no_such_agent"
    await memory.keep(tenant_id, {}, plan)
    assert await memory.find(tenant_id, NEWER, {}) is None


@pytest.mark.requirement("FR-3.10")
async def test_a_text_that_names_own_agents_is_one_with_these_agents(cache: ParserCache) -> None:
    """Other agents, the same in another order, and another version are other workflows."""
    memory, tenant_id, known = remembered(cache), uuid4(), registered().agents
    text = "Score the article with score_text, then rate the score with scorer"
    own = Own({name: known[name] for name in ("score_text", "scorer")})
    specification = parse(text, own=own).specification
    assert specification is not None
    plan = CachedPlan(text=text, document=to_document(specification), questions=[], model="a")
    await memory.keep(tenant_id, {}, plan, own)
    found = await memory.find(tenant_id, text, {}, own)
    assert found is not None
    assert [node["agent"] for node in found.document["nodes"]] == ["score_text", "scorer"]
    turned = Own({name: known[name] for name in ("scorer", "score_text")})
    changed = Own({**own.agents, "scorer": replace(known["scorer"], description="Otherwise.")})
    swapped = "Score the article with scorer, then rate the score with score_text"
    assert await memory.find(tenant_id, swapped, {}, turned) is None
    assert await memory.find(tenant_id, text, {}, changed) is None
    assert await memory.find(tenant_id, text, {}) is None
