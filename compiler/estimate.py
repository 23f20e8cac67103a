"""How long a workflow takes and what it costs: intervals from its history or the agents' catalogue.

What the workflow itself took before is the best guide, then what its agents took elsewhere: from
the tenth to the ninetieth percentile. Without a history the low end is the shortest way with one
usual attempt at every node, the high end the longest way with every attempt that the retry
policies allow. Where nothing bounds the high end (a list whose length is not known, a loop) it
rests on an assumption, and the interval says so.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from compiler.callees import AGENT
from compiler.failures import compensation, final_nodes, rolls_back
from compiler.history import NOTHING, History, Measured
from compiler.intervals import Estimate, Interval, Source, either, longest
from compiler.references import UnresolvedReference, lookup, parse_reference
from compiler.regions import Block, Parallel, Single, decompose
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification
from compiler.topology import topology

ASSUMED_ITEMS = 100
"""Elements of a mapped list of unknown length."""
ASSUMED_ROUNDS = 3
"""How often a loop is passed."""
CONCURRENT_ITEMS = 10
"""Elements of a mapped list that are worked on at once."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """Estimates one specification, whose agents must be known."""

    specification: Specification
    agents: Mapping[str, AgentSignature]
    history: History = NOTHING
    input: Mapping[str, Any] = field(default_factory=dict)
    """The input as far as it is known; lists in it say how long a map is."""
    calls: Mapping[str, Estimate] = field(default_factory=dict)
    """What the workflows take that its nodes run, by node id, as far as they are known."""

    def workflow(self) -> Estimate:
        """Estimate the whole: a sum in a row, the longest side by side, one way of a choice.

        The specification must have passed the check.
        """
        whole = self.history.workflow
        if whole is not None and whole.counts:
            return _measured(whole, "history")
        nodes = {node.id: self.node(node) for node in self.specification.body}
        found = _total(decompose(self.specification), nodes)
        order = topology(self.specification)
        if any(order.precedes(node, node) for node in order.nodes):
            found = found.times(1, ASSUMED_ROUNDS, bounded=False)
        most = self.specification.settings.execution.timeout_seconds
        if most is not None:
            found = Estimate(found.seconds.within(most), found.cost_usd)
        # The time limit is the workflow's own; what undoes it and what runs at the end come after.
        return sum(self._afterwards(), found)

    def _afterwards(self) -> Iterator[Estimate]:
        for node in final_nodes(self.specification):
            yield self.node(node)
        undone = self.specification.body if rolls_back(self.specification) else ()
        for undo in map(compensation, undone):
            if undo is not None:
                # It runs only when something failed; the history is of the node that it undoes.
                yield self._one(undo).times(0, 1, bounded=True)

    def node(self, node: Node) -> Estimate:
        """Estimate one node; a map by the number of its elements, as far as that is known."""
        one = self._one(node)
        own = self.history.nodes.get((node.id, node.agent))
        if own is None or not own.counts:
            return one if node.pattern != "map" else self._mapped(node, one)
        measured = _measured(own, "history")
        if node.pattern != "map":
            return measured
        return Estimate(measured.seconds, self._items_cost() or self._mapped(node, one).cost_usd)

    def _items_cost(self) -> Interval | None:
        """Return what the only map's items cost before: of several only the sum is known."""
        cost = self.history.maps_cost_usd
        maps = sum(node.pattern == "map" for node in self.specification.nodes)
        if cost is None or not cost.counts or maps != 1:
            return None
        return Interval(cost.amount.low, cost.amount.high, True, "history", cost.samples)

    def _mapped(self, node: Node, one: Estimate) -> Estimate:
        count = self.items(node)
        at_once = node.item_concurrency or CONCURRENT_ITEMS
        low, high = (math.ceil(number / at_once) for number in (count.low, count.high))
        return Estimate(
            one.seconds.times(low, high, bounded=count.bounded),
            one.cost_usd.times(count.low, count.high, bounded=count.bounded),
        )

    def items(self, node: Node) -> Interval:
        """Return how many elements the list of a map has."""
        given = self._given_list(node)
        if given is not None:
            return Interval(len(given), len(given), True, "input")
        counted = self.history.items.get(node.id)
        if counted is not None and counted.counts:
            low, high = math.floor(counted.amount.low), math.ceil(counted.amount.high)
            return Interval(low, high, True, "history", counted.samples)
        limit = self._limit(node)
        return Interval(0, ASSUMED_ITEMS, False) if limit is None else Interval(limit, limit)

    def _given_list(self, node: Node) -> list[Any] | None:
        reference = parse_reference(node.input_keys[0]) if node.input_keys else None
        if reference is None or reference.root != "input":
            return None
        try:
            value = lookup(reference, {"input": self.input})
        except UnresolvedReference:
            return None
        return value if isinstance(value, list) else None

    def _limit(self, node: Node) -> int | None:
        """Return how many elements a map has at most, when the node that lists them has a limit."""
        for writer in self.specification.nodes:
            limit = writer.parameters.get("limit")
            if node.input_keys and writer.key == node.input_keys[0] and isinstance(limit, int):
                return limit
        return None

    def _one(self, node: Node) -> Estimate:
        """Estimate one run of a node's agent, its retries included."""
        if node.agent == AGENT and node.id in self.calls:
            return self.calls[node.id]
        signature = self.agents[node.agent]
        elsewhere = self.history.agents.get(node.agent)
        # How long people and other workflows take depends on what they are asked.
        if elsewhere is not None and elsewhere.counts and not signature.driven:
            return _measured(elsewhere, "agent")
        cost = signature.estimated_cost_usd
        return Estimate(_attempts(node, signature), Interval(cost, cost * node.retry.max_attempts))


def _measured(measured: Measured, source: Source) -> Estimate:
    seconds, cost = measured.seconds, measured.cost_usd
    return Estimate(
        Interval(seconds.low, seconds.high, True, source, measured.samples),
        Interval(cost.low, cost.high, True, source, measured.samples),
    )


def _attempts(node: Node, signature: AgentSignature) -> Interval:
    if node.agent == "human_loop":
        # A person answers at once or never.
        schema = signature.parameters_schema.get("properties", {}).get("timeout", {})
        asked = node.parameters.get("timeout", schema.get("default"))
        waiting = asked if isinstance(asked, int | float) else signature.default_timeout_seconds
        return Interval(0.0, float(waiting))
    if node.agent == "wait":
        asked = node.parameters.get("seconds")
        if not isinstance(asked, int | float):
            return Interval(0.0, signature.estimated_seconds)
        return Interval(0.0 if "event" in node.parameters else float(asked), float(asked))
    usual = min(signature.estimated_seconds, node.timeout or signature.default_timeout_seconds)
    attempts = node.retry.max_attempts
    waits = sum(node.retry.delay_seconds(number) for number in range(2, attempts + 1))
    return Interval(usual, attempts * usual + waits * (1 + node.retry.jitter))


def _total(block: Block, nodes: Mapping[str, Estimate]) -> Estimate:
    total = Estimate()
    for step in block:
        if isinstance(step, Single):
            total += nodes[step.node.id]
            continue
        branches = [_total(branch, nodes) for branch in step.branches]
        times = [branch.seconds for branch in branches]
        costs = [branch.cost_usd for branch in branches]
        if isinstance(step, Parallel):
            total += Estimate(longest(times), sum(costs, Interval()))
        else:
            total += Estimate(either(times), either(costs))
    return total
