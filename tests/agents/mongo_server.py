"""A MongoDB server for tests: the real wire protocol, and as much of the commands as they use.

It keeps documents in memory and compares fields for equality, `$gt` and `$in`. Tests that run here
run on a real server as well: `pytest --mongodb mongodb://127.0.0.1:27017`.
"""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import bson

_HEAD = struct.Struct("<iiii")
_MESSAGE, _QUERY, _REPLY = 2013, 2004, 1


@dataclass
class MongoServer:
    """Documents by collection, and the commands that were sent."""

    port: int = 0
    primary: str | None = None
    """The member that takes writes; None: this one."""
    balanced: bool = False
    """Whether it answers as a load balancer does."""
    commands: list[dict[str, Any]] = field(default_factory=list)
    _documents: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _cursors: dict[int, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Its address."""
        return f"mongodb://127.0.0.1:{self.port}/test"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's messages."""
        try:
            while True:
                length, number, _, code = _HEAD.unpack(await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                writer.write(self._answer(number, code, body))
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, number: int, code: int, body: bytes) -> bytes:
        if code == _QUERY:
            start = body.index(b"\0", 4) + 9
            reply = bson.encode(self._run(bson.decode(body[start:])))
            return _written(number, _REPLY, struct.pack("<iqii", 8, 0, 0, 1) + reply)
        assert code == _MESSAGE
        reply = bson.encode(self._run(_command_in(body)))
        return _written(number, _MESSAGE, struct.pack("<iB", 0, 0) + reply)

    def _run(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        if name.lower() in ("hello", "ismaster"):
            return self._hello()
        if name in ("endSessions", "killCursors", "ping"):
            return {"ok": 1}
        self.commands.append(command)
        run = getattr(self, f"_do_{name}", None)
        if run is None:
            return {"ok": 0, "code": 59, "errmsg": f"no such command: {name}"}
        return {"ok": 1, **run(command)}

    def _hello(self) -> dict[str, Any]:
        own = f"127.0.0.1:{self.port}"
        is_primary = self.primary in (None, own)
        members = {} if self.primary is None else {
            "setName": "rs", "hosts": [own, self.primary], "primary": self.primary, "me": own,
            "secondary": not is_primary,
        }  # fmt: skip
        if self.balanced:
            members = {"serviceId": bson.ObjectId("0" * 24), "msg": "isdbgrid"}
        return {
            "ok": 1, "isWritablePrimary": is_primary, "ismaster": is_primary, "maxWireVersion": 21,
            "minWireVersion": 0, "maxBsonObjectSize": 2**24, "maxMessageSizeBytes": 48_000_000,
            "maxWriteBatchSize": 100_000, **members,
        }  # fmt: skip

    def _collection(self, name: str) -> list[dict[str, Any]]:
        return self._documents.setdefault(name, [])

    def _found(self, name: str, wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [one for one in self._collection(name) if _fits(one, wanted)]

    def _cursor(self, found: list[dict[str, Any]], size: int) -> dict[str, Any]:
        number = len(self._cursors) + 1 if len(found) > size else 0
        if number:
            self._cursors[number] = found[size:]
        return {"cursor": {"id": bson.Int64(number), "ns": "test.c", "firstBatch": found[:size]}}

    def _do_find(self, command: dict[str, Any]) -> dict[str, Any]:
        found = self._found(command["find"], command.get("filter", {}))
        return self._cursor(found[: command.get("limit") or None], command.get("batchSize", 101))

    def _do_aggregate(self, command: dict[str, Any]) -> dict[str, Any]:
        found = self._found(command["aggregate"], command["pipeline"][0].get("$match", {}))
        return self._cursor(found, command["cursor"].get("batchSize", 101))

    def _do_getMore(self, command: dict[str, Any]) -> dict[str, Any]:
        found, size = self._cursors.pop(command["getMore"]), command.get("batchSize", 10**6)
        answer = self._cursor(found, size)["cursor"]
        return {"cursor": {"id": answer["id"], "ns": "test.c", "nextBatch": answer["firstBatch"]}}

    def _do_count(self, command: dict[str, Any]) -> dict[str, Any]:
        return {"n": len(self._found(command["count"], command.get("query", {})))}

    def _do_distinct(self, command: dict[str, Any]) -> dict[str, Any]:
        found = self._found(command["distinct"], command.get("query", {}))
        return {"values": list(dict.fromkeys(one.get(command["key"]) for one in found))}

    def _do_insert(self, command: dict[str, Any]) -> dict[str, Any]:
        taken = {one.get("_id") for one in self._collection(command["insert"])}
        for number, one in enumerate(command["documents"]):
            if one.get("_id") in taken:
                error = {"index": number, "code": 11000, "errmsg": "E11000 duplicate key"}
                return {"n": number, "writeErrors": [error]}
            one.setdefault("_id", bson.ObjectId())
            self._collection(command["insert"]).append(one)
        return {"n": len(command["documents"])}

    def _do_update(self, command: dict[str, Any]) -> dict[str, Any]:
        count = 0
        for update in command["updates"]:
            for one in self._found(command["update"], update["q"]):
                one |= update["u"]["$set"]
                count += 1
        return {"n": count, "nModified": count}

    def _do_delete(self, command: dict[str, Any]) -> dict[str, Any]:
        collection = self._collection(command["delete"])
        gone = [one for d in command["deletes"] for one in self._found(command["delete"], d["q"])]
        collection[:] = [one for one in collection if one not in gone]
        return {"n": len(gone)}

    def _do_findAndModify(self, command: dict[str, Any]) -> dict[str, Any]:
        found = self._found(command["findAndModify"], command["query"])
        before = dict(found[0]) if found else None
        if found:
            found[0] |= command["update"]["$set"]
        return {"value": before}


def _command_in(body: bytes) -> dict[str, Any]:
    """Return a message's command; a list that the driver took out of it is in a section apart."""
    command: dict[str, Any] = {}
    place = 4
    while place < len(body):
        kind, place = body[place], place + 1
        end = place + int.from_bytes(body[place : place + 4], "little")
        if kind == 0:
            command = {**bson.decode(body[place:end]), **command}
        else:
            name, _, documents = body[place + 4 : end].partition(b"\0")
            command[name.decode()] = bson.decode_all(documents)
        place = end
    return command


def _fits(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    for name, value in wanted.items():
        found = document.get(name)
        if isinstance(value, Mapping) and "$gt" in value:
            fits = found is not None and found > value["$gt"]
        elif isinstance(value, Mapping) and "$in" in value:
            fits = found in value["$in"]
        else:
            fits = found == value
        if not fits:
            return False
    return True


def _written(to: int, code: int, body: bytes) -> bytes:
    return _HEAD.pack(16 + len(body), 0, to, code) + body


@asynccontextmanager
async def open_mongo_server(
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[MongoServer]:
    """Serve on a free loopback port, by TLS when a context is given."""
    mongo = MongoServer()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        await mongo.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    mongo.port = server.sockets[0].getsockname()[1]
    try:
        yield mongo
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()
