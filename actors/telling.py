"""The texts of attempts while they grow, for those who watch: batches of pieces, in order.

They go to the live view alone: no row holds them, and the output is the whole text.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from agents.agent import AgentContext, Telling
from store.events import TOKEN
from store.json_values import clean_text

BATCH_SECONDS = 0.05
"""How long pieces gather before they are told."""
MOST_CHARACTERS = 200_000
"""How much of one text is told; the rest comes with the node's output."""

Say = Callable[[UUID, Mapping[str, Any]], None]
"""Shows a message to those who watch an execution."""


@contextmanager
def telling(context: AgentContext, say: Say | None) -> Iterator[Telling | None]:
    """Give what tells the texts of an attempt, until it ends; None when nobody can be told."""
    if say is None:
        yield None
        return
    tokens = Tokens(say, context)
    try:
        yield tokens
    finally:
        tokens.close()


class Tokens(Telling):
    """Tells the texts of one attempt.

    A text that is told anew (another model's, a repaired one, one after a tool's result) has the
    next number as `answer`; `part` counts messages, and `offset` says how many characters of the
    text came before. The last message, which may be empty, says that the attempt has ended.
    """

    def __init__(self, say: Say, context: AgentContext) -> None:
        self._say = say
        self._context = context
        self._redaction = context.redaction
        self._text = ""
        self._told = 0
        self._answer = 0
        self._part = 0
        self._later: asyncio.TimerHandle | None = None

    @cached_property
    def _held_back(self) -> int:
        """How much is kept back while a text grows: pieces may cut a secret in two."""
        return self._redaction.longest if self._redaction else 0

    def begin(self) -> None:
        """Begin a text; what was said before counts no more."""
        self._answer += 1
        self._text, self._told = "", 0

    def say(self, piece: str) -> None:
        """Add a piece; it is told with those that come soon after it."""
        if not piece or len(self._text) >= MOST_CHARACTERS:
            return
        self._text += piece
        if self._later is None:
            loop = asyncio.get_running_loop()
            self._later = loop.call_later(BATCH_SECONDS, self._tell, self._held_back)

    def end(self) -> None:
        """Tell what is left."""
        self._tell(0)

    def close(self) -> None:
        """Say that nothing follows, if anything was told."""
        self._tell(0)
        if self._part:
            self._send("", last=True)

    def _tell(self, held_back: int) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        shown: str = self._redaction.value(self._text) if self._redaction else self._text
        if piece := shown[self._told : len(shown) - held_back]:
            self._send(piece)

    def _send(self, piece: str, **more: bool) -> None:
        context = self._context
        self._part += 1
        message = {
            "type": TOKEN,
            "execution_id": f"exec_{context.execution_id.hex}",
            "node_id": context.node_id,
            **({} if context.map_index is None else {"map_index": context.map_index}),
            "attempt": context.attempt,
            "answer": self._answer,
            "part": self._part,
            "offset": self._told,
            "text": clean_text(piece),
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            **more,
        }
        self._told += len(piece)
        self._say(context.execution_id, message)
