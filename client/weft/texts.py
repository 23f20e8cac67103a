"""The answers of language models while they grow, put together of a stream's pieces."""

from __future__ import annotations

from weft.records import Event


class Texts:
    """The texts that grow just now, by name: a node's id, or `write[3]` for an item of a map.

    An attempt that is made again, and an answer that is given anew, begin the text again. Whoever
    comes back is told the whole text; where a piece is missing nevertheless, since the live view
    was away, there is an ellipsis. The output is the whole text in any case.
    """

    def __init__(self) -> None:
        """Begin with no text."""
        self.by_name: dict[str, str] = {}
        self._answers: dict[str, tuple[int, int]] = {}
        self._ends: dict[str, int] = {}

    def accept(self, event: Event) -> str | None:
        """Take an event; return its text as it stands now, or None when it is no piece of one."""
        node_id = event.get("node_id", "")
        if event.get("type") != "token":
            if event.get("type") in ("node_completed", "node_failed", "node_retrying"):
                for name in [one for one in self.by_name if one.partition("[")[0] == node_id]:
                    self.by_name.pop(name)
            return None
        index = event.get("map_index")
        name = node_id if index is None else f"{node_id}[{index}]"
        answer = (event["attempt"], event["answer"])
        if self._answers.get(name) != answer:
            self._answers[name] = answer
            self.by_name[name], self._ends[name] = "", 0
        text, end, offset = self.by_name.get(name, ""), self._ends[name], event["offset"]
        before = text + "…" if offset > end else text[: len(text) - (end - offset)]
        text = before + event["text"]
        if event.get("last"):
            self.by_name.pop(name, None)
            return text
        self._ends[name] = offset + len(event["text"])
        self.by_name[name] = text
        return text
