"""How long a workflow takes and what it costs: intervals from the agents' signatures.

The low end is the shortest way with one usual attempt at every node, the high end the longest way
with every attempt that the retry policies allow. Where nothing bounds the high end (a list whose
length is not known, a loop) it rests on an assumption, and the interval says so.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compiler.failures import compensation, final_nodes, rolls_back
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
class Interval:
    """From low to high."""

    low: float = 0.0
    high: float = 0.0
    bounded: bool = True
    """Whether the high end holds without an assumption about lists and loops."""

    def __add__(self, other: "Interval") -> "Interval":
        bounded = self.bounded and other.bounded
        return Interval(self.low + other.low, self.high + other.high, bounded)

    def times(self, low: float, high: float, *, bounded: bool) -> "Interval":
        """Return the interval for something that happens from `low` to `high` times."""
        known = self.bounded and (bounded or self.high == 0)
        return Interval(self.low * low, self.high * high, known)

    def to_document(self) -> dict[str, float | bool]:
        """Return the interval as JSON."""
        return {"low": round(self.low, 6), "high": round(self.high, 6), "bounded": self.bounded}


@dataclass(frozen=True, slots=True)
class Estimate:
    """Time and money."""

    seconds: Interval = Interval()
    cost_usd: Interval = Interval()

    def __add__(self, other: "Estimate") -> "Estimate":
        return Estimate(self.seconds + other.seconds, self.cost_usd + other.cost_usd)


def workflow_estimate(
    specification: Specification, agents: Mapping[str, AgentSignature]
) -> Estimate:
    """Estimate a whole workflow: a sum in a row, the longest side by side, one way of a choice.

    Args:
        specification: It must have passed the check.
        agents: The agents that its nodes name.
    """
    nodes = {
        node.id: node_estimate(node, agents[node.agent], specification)
        for node in specification.body
    }
    found = _total(decompose(specification), nodes)
    order = topology(specification)
    if any(order.precedes(node, node) for node in order.nodes):
        found = Estimate(
            found.seconds.times(1, ASSUMED_ROUNDS, bounded=False),
            found.cost_usd.times(1, ASSUMED_ROUNDS, bounded=False),
        )
    found = _within(found, specification.settings.execution.timeout_seconds)
    # The time limit is the workflow's own; what undoes it and what runs at the end come after it.
    return sum(_afterwards(specification, agents), found)


def _afterwards(
    specification: Specification, agents: Mapping[str, AgentSignature]
) -> Iterator[Estimate]:
    for node in final_nodes(specification):
        yield node_estimate(node, agents[node.agent], specification)
    for undo in map(compensation, specification.body if rolls_back(specification) else ()):
        if undo is not None:
            # It runs only when something failed.
            estimate = node_estimate(undo, agents[undo.agent], specification)
            yield Estimate(
                estimate.seconds.times(0, 1, bounded=True),
                estimate.cost_usd.times(0, 1, bounded=True),
            )


def _within(estimate: Estimate, seconds: float | None) -> Estimate:
    """Apply the workflow's own time limit."""
    if seconds is None:
        return estimate
    time = estimate.seconds
    high = min(time.high, seconds) if time.bounded else seconds
    time = Interval(min(time.low, seconds), high)
    return Estimate(time, estimate.cost_usd)


def node_estimate(node: Node, signature: AgentSignature, specification: Specification) -> Estimate:
    """Estimate one node; a map by the number of its elements, as far as that is known."""
    one = Estimate(
        _attempts(node, signature),
        Interval(
            signature.estimated_cost_usd, signature.estimated_cost_usd * node.retry.max_attempts
        ),
    )
    if node.pattern != "map":
        return one
    limit = _limit(node, specification)
    known = limit is not None
    count = ASSUMED_ITEMS if limit is None else limit
    rounds = math.ceil(count / (node.item_concurrency or CONCURRENT_ITEMS))
    return Estimate(
        one.seconds.times(rounds if known else 0, rounds, bounded=known),
        one.cost_usd.times(count if known else 0, count, bounded=known),
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


def _limit(node: Node, specification: Specification) -> int | None:
    """Return how many elements a map has at most, when the node that lists them has a limit."""
    for writer in specification.nodes:
        limit = writer.parameters.get("limit")
        if node.input_keys and writer.key == node.input_keys[0] and isinstance(limit, int):
            return limit
    return None


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
            low = max(time.low for time in times)
            longest = Interval(low, _either(times).high, _either(times).bounded)
            total += Estimate(longest, sum(costs, Interval()))
        else:
            total += Estimate(_either(times), _either(costs))
    return total


def _either(ways: list[Interval]) -> Interval:
    return Interval(
        min(way.low for way in ways),
        max(way.high for way in ways),
        all(way.bounded for way in ways),
    )
