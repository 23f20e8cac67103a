"""The answers of language models while they grow, put together of a stream's pieces."""

from __future__ import annotations

from weft.records import Event


class Texts:
    """The text of each node that is being answered, by node id.

    An attempt that is made again, and an answer that is given anew, begin the text again. What was
    told while the connection was lost is missing, and stands there as an ellipsis; the whole text
    is the node's output.
    """

    def __init__(self) -> None:
        """Begin with no text."""
        self.by_node: dict[str, str] = {}
        self._answers: dict[str, tuple[int, int]] = {}
        self._ends: dict[str, int] = {}

    def accept(self, event: Event) -> str | None:
        """Take an event; return the text of its node as it stands now, or None for no piece."""
        node_id = event.get("node_id", "")
        if event.get("type") != "token":
            if event.get("type") in ("node_completed", "node_failed", "node_retrying"):
                self.by_node.pop(node_id, None)
            return None
        answer = (event["attempt"], event["answer"])
        if self._answers.get(node_id) != answer:
            self._answers[node_id] = answer
            self.by_node[node_id], self._ends[node_id] = "", 0
        gap = "…" if event["offset"] > self._ends[node_id] else ""
        self._ends[node_id] = event["offset"] + len(event["text"])
        self.by_node[node_id] = self.by_node.get(node_id, "") + gap + event["text"]
        return self.by_node[node_id]
