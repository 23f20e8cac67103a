"""What people are told of an agent: lists, pages and the reference are made of it."""

from collections.abc import Mapping
from typing import Any

from agents.catalog.library import catalog_entry, catalog_names
from compiler.signature import AgentSignature

BUILDING_BLOCKS = "building blocks"
"""The group of the agents that are no service's."""


def summary(signature: AgentSignature) -> dict[str, Any]:
    """Return what a list says of an agent."""
    told: dict[str, Any] = {
        "name": signature.name,
        "title": signature.name.replace("_", " ").capitalize(),
        "group": BUILDING_BLOCKS,
        "service": signature.service or None,
        "description": signature.description,
        "synonyms": [],
        "side_effect": signature.side_effect,
        "cost_class": None,
        "documentation": None,
    }
    if signature.name in catalog_names():
        entry = catalog_entry(signature.name)
        told |= {
            "title": entry.title,
            "group": entry.group,
            "description": entry.description,
            "synonyms": list(entry.synonyms),
            "cost_class": entry.cost,
            "documentation": entry.documentation,
        }
    return told


def described(signature: AgentSignature) -> dict[str, Any]:
    """Return all that can be said of an agent: beside its summary, what it takes and gives."""
    told = summary(signature) | {
        "parameters": signature.parameters_schema,
        "output_fields": list(signature.output_fields),
        "hosts": list(signature.hosts),
        "usual_secrets": {},
        "estimated_seconds": signature.estimated_seconds,
        "estimated_cost_usd": signature.estimated_cost_usd,
        "example": None,
    }
    if signature.name in catalog_names():
        entry = catalog_entry(signature.name)
        told["usual_secrets"] = dict(entry.secrets)
        told["example"] = _example(entry.name, entry.example.parameters, entry.secrets)
    return told


def _example(
    name: str, parameters: Mapping[str, Any], secrets: Mapping[str, str]
) -> dict[str, Any]:
    """Return a node's agent and parameters, its secrets by their usual names."""
    named = {parameter: f"{{secrets.{secret}}}" for parameter, secret in secrets.items()}
    return {"agent": name, "parameters": {**parameters, **named}}


def summaries(signatures: Mapping[str, AgentSignature]) -> list[dict[str, Any]]:
    """Return all agents: the building blocks first, then by group, service and name."""
    found = [summary(signature) for signature in signatures.values()]
    return sorted(
        found,
        key=lambda one: (one["group"] != BUILDING_BLOCKS, one["group"], one["service"] or "",
                         one["name"]),
    )  # fmt: skip
