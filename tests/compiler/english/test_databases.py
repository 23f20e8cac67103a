"""Databases by name: where each one is, and in which words it is asked."""

import pytest

from agents.registry import builtin_registry
from compiler.check import check
from compiler.english.parser import parse


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        (
            "Fetch the weather from https://example.com/api and save the results to MongoDB",
            {"database": "mongodb", "connection_string": "{secrets.mongodb_url}",
             "read_only": False},
        ),
        (
            "Read the orders table from MongoDB, then summarize it",
            {"database": "mongodb", "connection_string": "{secrets.mongodb_url}",
             "query": {"find": "orders"}},
        ),
        (
            "Read the orders table from Postgres, then summarize it",
            {"database": "postgresql", "query": "SELECT * FROM orders"},
        ),
    ],
)  # fmt: skip
def test_a_database_by_name(text: str, parameters: dict[str, object]) -> None:
    """Only PostgreSQL has a default; the others are where a secret of the usual name says."""
    parsed = parse(text)
    assert parsed.specification is not None
    assert check(parsed.specification, builtin_registry().signatures()) == []
    [node] = [one for one in parsed.specification.nodes if one.agent == "database"]
    assert {name: node.parameters.get(name) for name in parameters} == parameters
    if "read_only" in parameters:
        assert set(node.parameters["query"]) == {"insert", "documents"}
