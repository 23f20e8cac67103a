"""What references in braces name while an execution runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from compiler.specification import Specification

if TYPE_CHECKING:
    # It takes LangGraph along, which the processes that run chunks need not know.
    from actors.graphs import Compiled


@dataclass(frozen=True, slots=True)
class Facts:
    """What is fixed about an execution while it runs."""

    workflow_id: UUID
    workflow_name: str
    compiled: Compiled
    input: Mapping[str, Any]
    user_email: str
    user_name: str
    depth: int = 0
    """How many executions stand above it, each started by the one before."""

    @property
    def specification(self) -> Specification:
        """What is executed."""
        return self.compiled.specification


@dataclass(frozen=True, slots=True)
class Known:
    """What nodes have left so far."""

    values: Mapping[str, Any]
    """Outputs by key, mapped lists whole; those that are not asked for are left out."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """Why nodes failed, by node."""
    failed_items: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """Which items failed and why, by map node, where that is asked for."""


def scope(facts: Facts, known: Known) -> dict[str, Any]:
    """Return what references may name, secrets left out."""
    values = dict(known.values)
    # A node that can fail and be survived has a message at all times, so that what follows both
    # of its ways can ask; null while it has not failed.
    maps = facts.compiled.maps
    names = dict.fromkeys((*facts.compiled.survivable, *known.failures, *maps))
    failures: dict[str, dict[str, Any]] = {
        name: {"message": known.failures.get(name)} for name in names
    }
    for name in maps:
        failures[name]["items"] = known.failed_items.get(name, ())
    return {
        "failures": failures,
        **values,
        "state": values,
        "input": facts.input,
        "workflow": {
            "id": f"wf_{facts.workflow_id.hex}",
            "name": facts.workflow_name,
            "output": values,
        },
        "user": {"email": facts.user_email, "name": facts.user_name},
    }
