"""What the plan tells of an api node that names an operation of an OpenAPI document."""

import pytest

from agents.registry import builtin_registry
from compiler.outside import outside
from compiler.specification import Node

pytestmark = pytest.mark.requirement("FIRST.3", "FIRST.6")


def test_plan_tells_the_hosts_of_document_server_and_tokens() -> None:
    """Every host stands in the node, and what the document says of effects is not believed."""
    parameters = {
        "openapi": "https://docs.example.com/openapi.json",
        "operation": "listPets",
        "server_url": "https://api.example.com/v3",
        "auth": {"type": "oauth2", "token_url": "https://login.example.com/token"},
        "document_auth": {"type": "oauth2", "token_url": "https://keys.example.com/token"},
    }
    node = Node.model_validate({"id": "call", "agent": "api", "parameters": parameters})
    found = outside(node, builtin_registry().signatures()["api"])
    assert set(found.hosts) == {
        "docs.example.com", "api.example.com", "login.example.com", "keys.example.com"
    }  # fmt: skip
    assert found.side_effect == "sends"


@pytest.mark.parametrize(
    ("document", "hosts"),
    [("{input.document_url}", {"{input.document_url}"}), ('{"openapi": "3.1.0"}', set())],
)
def test_documents_are_no_hosts(document: str, hosts: set[str]) -> None:
    """A reference may become an address; a document that stands in the node is none."""
    parameters = {"openapi": document, "operation": "listPets"}
    node = Node.model_validate({"id": "call", "agent": "api", "parameters": parameters})
    assert set(outside(node, builtin_registry().signatures()["api"]).hosts) == hosts
