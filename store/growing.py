"""The texts that language models are writing just now, kept in Redis for those who come later.

What watches hear are pieces; here each text stands as a whole while it grows: its head (the last
message without its text) in a hash of its execution, the text itself in a string. Both go when its
attempt ends, or some minutes after the last piece.
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from redis.asyncio import Redis
from redis.exceptions import NoScriptError

TEXT_TTL_SECONDS = 300
_HEADS_KEY = "workflow:execution:%s:texts"
GROW = f"""
local function grow(execution, growing)
    local name, begins, piece, head = unpack(growing)
    local heads = string.format('{_HEADS_KEY}', execution)
    local text = heads .. ':' .. name
    if not head then
        redis.call('HDEL', heads, name)
        redis.call('DEL', text)
        return
    end
    redis.call(begins and 'SET' or 'APPEND', text, piece)
    redis.call('HSET', heads, name, head)
    redis.call('EXPIRE', text, {TEXT_TTL_SECONDS})
    redis.call('EXPIRE', heads, {TEXT_TTL_SECONDS})
end
"""
"""Keeps a piece, as `growth` tells it."""
_READ = f"""
local heads = string.format('{_HEADS_KEY}', ARGV[1])
local found = redis.call('HGETALL', heads)
local texts = {{}}
for at = 1, #found, 2 do
    local text = redis.call('GET', heads .. ':' .. found[at])
    if text then
        table.insert(texts, found[at + 1])
        table.insert(texts, text)
    end
end
return texts
"""
_READ_SHA = hashlib.sha1(_READ.encode("utf-8"), usedforsecurity=False).hexdigest()


def text_name(message: Mapping[str, Any]) -> str:
    """Return whose text a message is a piece of: `write`, or `write[3]` for an item of a map."""
    index = message.get("map_index")
    return str(message["node_id"]) if index is None else f"{message['node_id']}[{index}]"


def growth(message: Mapping[str, Any]) -> tuple[str, bool, str, str | bool]:
    """Return what `GROW` is given of a message.

    Returns:
        The text's name, whether the text begins with the piece, the piece, and the head as JSON
        text, or False when the text has ended.
    """
    head = {name: value for name, value in message.items() if name not in ("text", "offset")}
    kept = False if message.get("last") else orjson.dumps(head).decode("utf-8")
    return text_name(message), message["offset"] == 0, message["text"], kept


async def growing_texts(redis: Redis, execution_id: UUID) -> list[dict[str, Any]]:
    """Return the texts of an execution that grow just now, each as one message with all of it.

    Raises:
        RedisError: Redis does not answer.
    """
    try:
        found = await redis.evalsha(_READ_SHA, 0, str(execution_id))
    except NoScriptError:
        found = await redis.eval(_READ, 0, str(execution_id))
    texts = []
    for head, text in zip(found[::2], found[1::2], strict=True):
        whole = text.decode("utf-8") if isinstance(text, bytes) else text
        texts.append({**orjson.loads(head), "offset": 0, "text": whole})
    return texts
