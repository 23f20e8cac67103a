"""Random specifications that pass the check: blocks in blocks, each with a way in and a way out."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.actors.workflows import wait
from tests.faults.specifications import Document, ask, mapped, posts, says

DEPTH = 2
"""How deep blocks may lie in blocks."""
WAIT_SECONDS = 0.2
NUMBERS = 7
"""How many elements the list has that maps run over."""


@dataclass
class Graph:
    """A specification that grows block by block.

    Attributes:
        effects: The nodes that have effects.
        fallible: Whether a node fails whose failure nothing catches.
    """

    dice: random.Random
    url: str
    nodes: list[Document] = field(default_factory=list)
    edges: list[Document] = field(default_factory=list)
    effects: set[str] = field(default_factory=set)
    fallible: bool = False
    rolls_back: bool = False

    def document(self) -> Document:
        """Return the whole as a specification."""
        then = "rollback" if self.rolls_back else "stop"
        settings: Document = {
            "error_handling": {"on_failure": then},
            "checkpointing": {
                "frequency": self.dice.choice(["every_node", "every_node", "every_3_nodes"])
            },
        }
        return {"nodes": self.nodes, "edges": self.edges, "settings": settings}

    def _edge(self, source: str, target: str, **fields: Any) -> None:
        self.edges.append({"from": source, "to": target, **fields})

    def _add(self, document: Document) -> str:
        self.nodes.append(document)
        return str(document["id"])

    def _name(self, letter: str) -> str:
        return f"{letter}{len(self.nodes)}"

    def row(self, blocks: int, depth: int) -> tuple[str, str]:
        """Add blocks one after the other; return the first node and the last."""
        first, last = self._block(depth)
        for _ in range(blocks - 1):
            entry, exit = self._block(depth)
            self._edge(last, entry)
            last = exit
        return first, last

    def _block(self, depth: int) -> tuple[str, str]:
        kinds = [self._effect, self._effect, self._effect, self._map, self._question, self._wait,
                 self._caught, self._skipped]  # fmt: skip
        if depth:
            kinds += [lambda: self._branches(depth), lambda: self._choice(depth),
                      lambda: self._loop(depth)]  # fmt: skip
        if depth == DEPTH and self.dice.random() < 0.1:
            kinds = [self._failure]
        return self.dice.choice(kinds)()

    def _effect(self) -> tuple[str, str]:
        node = posts(self._name("e"), self.url)
        self.effects.add(node["id"])
        if self.rolls_back:
            undo = posts("undo", self.url)
            node["compensate"] = {"agent": undo["agent"], "parameters": undo["parameters"]}
        id = self._add(node)
        return id, id

    def _map(self) -> tuple[str, str]:
        id = self._add(mapped(self._name("m"), self.url, "input.numbers", self.dice.randint(1, 4)))
        self.effects.add(id)
        return id, id

    def _question(self) -> tuple[str, str]:
        id = self._add(ask(self._name("q")))
        return id, id

    def _wait(self) -> tuple[str, str]:
        id = self._add(wait(self._name("w"), seconds=self.dice.random() * WAIT_SECONDS))
        return id, id

    def _fails(self) -> Document:
        return says(self._name("f"), "{input.nothing}")

    def _failure(self) -> tuple[str, str]:
        self.fallible = True
        id = self._add(self._fails())
        return id, id

    def _skipped(self) -> tuple[str, str]:
        """A node that fails, after which a default counts, or nothing."""
        how: Document = self.dice.choice([{"default": [1]}, {"on_failure": "continue"}])
        id = self._add({**self._fails(), **how})
        return id, id

    def _caught(self) -> tuple[str, str]:
        """A node that fails and whose failure edge leads to another; both meet again."""
        id = self._add(self._fails())
        well, _ = self._effect()
        ill, _ = self._effect()
        end = self._add(says(self._name("j")))
        self._edge(id, well)
        self._edge(id, ill, type="failure")
        self._edge(well, end)
        self._edge(ill, end)
        return id, end

    def _branches(self, depth: int) -> tuple[str, str]:
        begin = self._add(says(self._name("s")))
        ways = [self.row(self.dice.randint(1, 2), depth - 1)
                for _ in range(self.dice.randint(2, 3))]  # fmt: skip
        end = self._add(says(self._name("j")))
        for first, last in ways:
            self._edge(begin, first)
            self._edge(last, end)
        return begin, end

    def _router(self, condition: str, yes: str, no: str) -> str:
        parameters = {"condition": condition, "if_true": yes, "if_false": no}
        id = self._add({"id": self._name("r"), "agent": "router", "parameters": parameters})
        self._edge(id, yes)
        self._edge(id, no)
        return id

    def _choice(self, depth: int) -> tuple[str, str]:
        begin = self._add(says(self._name("s")))
        yes, no = (self.row(1, depth - 1) for _ in range(2))
        router = self._router(f"input['coin'] > {self.dice.randint(0, 9)}", yes[0], no[0])
        self._edge(begin, router)
        end = self._add(says(self._name("j")))
        self._edge(yes[1], end)
        self._edge(no[1], end)
        return begin, end

    def _loop(self, depth: int) -> tuple[str, str]:
        """A body that runs so many times as its counter says."""
        name = self._name("n")
        script = f"return (state.get('{name}') or 0) + 1"
        count = self._add(
            {"id": name, "agent": "data_processing", "parameters": {"script": script}}
        )
        first, last = self.row(1, 0)
        self._edge(count, first)
        end = self._add(says(self._name("j")))
        router = self._router(f"(state.get('{name}') or 0) < {self.dice.randint(1, 3)}", name, end)
        self._edge(last, router)
        return count, end


def random_graph(dice: random.Random, url: str) -> Graph:
    """Draw a specification.

    Args:
        dice: Where chance comes from.
        url: The web service that has the effects.
    """
    graph = Graph(dice, url, rolls_back=dice.random() < 0.25)
    graph.row(dice.randint(1, 4), DEPTH)
    return graph
