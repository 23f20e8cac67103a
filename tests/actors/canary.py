"""Looking for a secret everywhere: what it looks like, and where it could be."""

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

import asyncpg
from redis.asyncio import Redis

COLUMNS = """
SELECT c.table_name AS table, c.column_name AS column FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
"""


def looks(secret: str) -> dict[str, bytes]:
    """Return what to look for, by how it is written; none of it is made by the product's code."""
    data = secret.encode()
    found = {
        "plain": data,
        "url": quote(secret, safe="").encode(),
        "form": quote_plus(secret).encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "json as Postgres has it": json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        "hex": data.hex().encode(),
    }
    for before in range(3):
        # The characters at both ends depend on what stands around it.
        found[f"base64 {before}"] = base64.b64encode(b"x" * before + data)[4:-4]
        found[f"base64url {before}"] = base64.urlsafe_b64encode(b"x" * before + data)[4:-4]
    return found


def found_in(secret: str, texts: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """Return in which texts, each with its name, a secret stands, and how it is written there."""
    wanted = looks(secret)
    return [
        (name, way)
        for name, text in texts
        for way, look in wanted.items()
        if look.lower() in text.lower() or look.hex().encode() in text.lower()
    ]


async def everything_in_postgres(dsn: str) -> list[tuple[str, bytes]]:
    """Return every value of every table, bytes as they are and all else as text."""
    connection = await asyncpg.connect(dsn)
    try:
        values: list[tuple[str, bytes]] = []
        for place in await connection.fetch(COLUMNS):
            name = f"{place['table']}.{place['column']}"
            for row in await connection.fetch(
                f'SELECT "{place["column"]}" AS raw, "{place["column"]}"::text AS text '  # noqa: S608
                f'FROM "{place["table"]}"'
            ):
                raw = row["raw"] if isinstance(row["raw"], bytes) else b""
                values.append((name, raw + b"\n" + (row["text"] or "").encode()))
        return values
    finally:
        await connection.close()


async def everything_in_redis(url: str) -> list[tuple[str, bytes]]:
    """Return every key with its value as Redis itself serializes it, and its plain reading."""
    values: list[tuple[str, bytes]] = []
    async with Redis.from_url(url) as redis:
        async for key in redis.scan_iter(count=1000):
            match await redis.type(key):
                case b"string":
                    read = await redis.get(key)
                case b"hash":
                    read = repr(await redis.hgetall(key)).encode()
                case b"list":
                    read = repr(await redis.lrange(key, 0, -1)).encode()
                case b"stream":
                    read = repr(await redis.xrange(key)).encode()
                case b"zset":
                    read = repr(await redis.zrange(key, 0, -1)).encode()
                case _:
                    read = repr(await redis.smembers(key)).encode()
            values.append((f"redis {key!r}", key + b"\n" + (read or b"")))
    return values
