"""An organization's own agents, for tests of sentences and of instructions that name them."""

from typing import Any

from actors.custom_agents import CustomAgent, extended
from agents.custom.definition import Definition
from agents.registry import builtin_registry
from compiler.english.own_agents import Own
from tests.agents.custom.making import definition

_STRING, _TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
_LANGUAGE = {"type": "string", "enum": ["en", "de"]}
_OWN: dict[str, tuple[dict[str, Any], list[str], dict[str, Any]]] = {
    "score_text": (
        {"text": _STRING, "words": _TEXTS, "threshold": {"type": "number"}, "language": _LANGUAGE},
        ["text"], {"type": "object", "properties": {"score": {"type": "number"}}},
    ),
    "score_text@2": ({"text": _STRING}, ["text"], {"type": "number"}),
    "scorer": ({"text": _STRING}, ["text"], {"type": "number"}),
    "lead_scoring": (
        {"lead": {"type": "object"}, "threshold": {"type": "number"}}, ["lead"],
        {"type": "object", "properties": {"score": {}, "tier": {}}},
    ),
    "get_reviews": (
        {"product": _STRING, "limit": {"type": "integer"}}, ["product"], {"type": "array"},
    ),
    "rank_all": ({"items": {"type": "array"}}, ["items"], {"type": "array"}),
    "compare_texts": (
        {"left": _STRING, "right": _STRING}, ["left", "right"],
        {"type": "object", "properties": {"distance": {"type": "number"}}},
    ),
}  # fmt: skip
_CONTACT = {"email": {"type": "string", "format": "email"}, "note": {"type": "string"}}


def registered() -> Own:
    """Return an organization's own agents as registration makes them."""
    function = {"type": "python_function", "code": "def execute(**given):\n    return given"}
    documents = {
        name: definition(
            function,
            {"type": "object", "properties": properties, "required": required},
            returns,
            name.partition("@")[0],
        )
        for name, (properties, required, returns) in _OWN.items()
    }
    endpoint = {"type": "api_endpoint", "url": "https://crm.example.com/contacts"}
    schema = {"type": "object", "properties": _CONTACT, "required": ["email"]}
    documents["crm_contact"] = definition(endpoint, schema, name="crm_contact")
    found = [
        CustomAgent(name, 1, "active", Definition.model_validate(one).model_dump())
        for name, one in documents.items()
    ]
    known = extended(builtin_registry(), found).signatures()
    return Own({name: known[name] for name in documents})
