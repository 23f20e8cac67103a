"""What the English parser's tests share: parsing with every specification checked."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agents.registry import builtin_registry
from compiler.check import check
from compiler.english.parser import Parsed, parse
from compiler.signature import AgentSignature
from compiler.specification import Node, Specification

Understand = Callable[..., Specification]
Edges = list[tuple[str, str]]
Read = Callable[..., Any]
"""Returns a `Parsed`; a test knows whether it holds a specification, its type does not."""
AgentsOf = Callable[[Specification], list[str]]
EdgesOf = Callable[[Specification], Edges]


@pytest.fixture(scope="session")
def signatures() -> Mapping[str, AgentSignature]:
    """The built-in agents as the checks see them."""
    return builtin_registry().signatures()


@pytest.fixture
def read(signatures: Mapping[str, AgentSignature]) -> Callable[..., Parsed]:
    """Parse a text; what comes out must pass every check."""

    def parsed(text: str, answers: Mapping[str, str] | None = None) -> Parsed:
        found = parse(text, answers=answers)
        if found.specification is not None:
            assert check(found.specification, signatures) == []
        return found

    return parsed


@pytest.fixture
def understand(read: Callable[..., Parsed]) -> Understand:
    """Parse a text that must leave no required question; return its specification."""

    def understood(text: str, answers: Mapping[str, str] | None = None) -> Specification:
        found = read(text, answers)
        assert [question for question in found.questions if question.required] == []
        assert found.specification is not None
        return found.specification

    return understood


@pytest.fixture
def agents_of() -> Callable[[Specification], list[str]]:
    """Name the agents of a specification's nodes, in order."""
    return lambda specification: [node.agent for node in specification.nodes]


@pytest.fixture
def edges_of() -> Callable[[Specification], Edges]:
    """Give a specification's edges as pairs."""
    return lambda specification: [(edge.source, edge.target) for edge in specification.edges]


@pytest.fixture
def only() -> Callable[[Specification, str], Node]:
    """Return the one node with this agent."""

    def found(specification: Specification, agent: str) -> Node:
        (node,) = [node for node in specification.nodes if node.agent == agent]
        return node

    return found
