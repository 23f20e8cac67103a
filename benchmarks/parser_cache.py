"""How often a description that was typed before in other words or with other values is recognised.

Each group of `paraphrases.yaml` holds texts that ask for the same workflow and texts that ask for
almost the same one, in four sets that were written one after the other by somebody who did not
know the rules. The first text is read; each further one is looked for, and read when it is not
found, as in daily use. A hit is wrong when it gives what was made of another group, when it answers
a text that is almost the same, or when a value of the text is not in what it gives. What a model
would make of a text is stood in for by what the offline parser makes of it, with the whole text as
a remark, since a model is to use every value that the text names. Real Redis.

    python -m benchmarks.parser_cache
"""

import asyncio
import os
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
from redis.asyncio import Redis
from ruamel.yaml import YAML

from agents.registry import builtin_registry
from benchmarks.figures import spread, write
from compiler.english.parser import parse
from compiler.text import to_document
from serve.embedded import embedded_redis
from serve.remembered import Recalled, Remembered
from store.parser_cache import CachedPlan, ParserCache

GROUPS = Path(__file__).parent / "paraphrases.yaml"
WRITTEN_NUMBERS = {"two": "2", "three": "3", "four": "4", "five": "5", "ten": "10"}
SPLITS = ("dev", "held", "fresh", "fourth")


def main() -> None:
    """Look for every paraphrase, print the shares, and write the figures."""
    groups = YAML(typ="safe").load(GROUPS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="weft-b-") as folder:
        (Path(folder) / "logs").mkdir()
        with embedded_redis(Path(folder), dict(os.environ)) as url:
            figures = asyncio.run(_measured(groups, url))
    for split in SPLITS:
        print(f"{split}: {figures[split]}")
    claim = (
        "the parser's cache knows two thirds of repeated descriptions again, none of them wrongly"
    )
    print(write("parser_cache", claim, figures, packages=("redis",)))


async def _measured(groups: list[dict[str, Any]], url: str) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    took_ms: list[float] = []
    async with Redis.from_url(url) as redis:
        remembered = Remembered(ParserCache(redis), builtin_registry().signatures(), ("stand-in",))
        for split in SPLITS:
            chosen = [group for group in groups if group["split"] == split]
            figures[split] = await _split(remembered, chosen, took_ms)
    return {**figures, "lookup": spread(took_ms)}


async def _split(
    remembered: Remembered, groups: list[dict[str, Any]], took_ms: list[float]
) -> dict[str, Any]:
    tenant_id = uuid4()
    asked: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    wrong: list[str] = []
    for group in groups:
        for text in group["texts"]:
            started = time.perf_counter()
            found = await remembered.find(tenant_id, text["text"], {})
            took_ms.append((time.perf_counter() - started) * 1000)
            kind = text.get("kind")
            if kind is not None:
                asked[kind] += 1
                hits[kind] += found is not None
            if found is None:
                await _read(remembered, tenant_id, text["text"], group["id"])
            elif fault := _fault(found, group, text):
                wrong.append(f"{fault}: {text['text']}")
    for group in groups:
        for similar in group["different"]:
            if await remembered.find(tenant_id, similar, {}) is not None:
                wrong.append(f"taken for one of {group['id']}: {similar}")
    for text in wrong:
        print(f"wrong: {text}")
    return {
        "groups": len(groups),
        "repeats": asked.total(),
        "hits": hits.total(),
        "hit_percent": round(100 * hits.total() / asked.total(), 1),
        "hit_percent_by_kind": {kind: round(100 * hits[kind] / asked[kind], 1) for kind in asked},
        "similar_but_different": sum(len(group["different"]) for group in groups),
        "wrong_hits": len(wrong),
    }


async def _read(remembered: Remembered, tenant_id: UUID, text: str, group: str) -> None:
    specification = parse(text).specification
    if specification is not None:
        document = to_document(specification)
        document["nodes"][0]["description"] = text
        # The group travels as the model's name, to tell afterwards what a hit came from.
        plan = CachedPlan(text=text, document=document, questions=[], model=group)
        await remembered.keep(tenant_id, {}, plan)


def _fault(found: Recalled, group: dict[str, Any], text: dict[str, Any]) -> str:
    """Say what is wrong with a hit: its group, a value that it lacks or one of another text."""
    if found.model != group["id"]:
        return f"made for {found.model}"
    held = orjson.dumps({**found.document, "metadata": {}}).decode().lower()
    own = parse(text["text"]).specification
    made = orjson.dumps({**to_document(own), "metadata": {}}).decode() if own else ""
    written = [WRITTEN_NUMBERS.get(value.lower(), value) for value in text["values"].values()]
    lacking = [value for value in written if value in made and value.lower() not in held]
    others = [
        value
        for other in group["texts"]
        for value in other["values"].values()
        if len(value) > 4 and value.lower() not in text["text"].lower() and value.lower() in held
    ]
    return f"lacks {lacking}, has {others}" if lacking or others else ""


if __name__ == "__main__":
    main()
