"""What runs when the graph has come to its end: compensations, then the nodes of `finally`.

The steps are taken one after the other. Each leaves its log, its event and its counters in one
transaction before the next begins, so whoever takes the execution over sees which are done.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson

from actors.attempts import Attempt
from actors.ending import Ending
from actors.errors import Draining
from actors.notes import Notes
from actors.run import Run
from actors.scope import Known
from agents.errors import AgentError
from compiler.failures import Then, compensation, final_nodes
from compiler.specification import Node, Specification
from store.history import COMPENSATION
from store.json_values import loads
from store.statements import statement

FINAL = "epilogue:finally"


def has_epilogue(specification: Specification, ending: Ending) -> bool:
    """Whether something is to run before an execution can end so."""
    return bool(final_nodes(specification)) or (
        ending.rolls_back(specification)
        and any(node.compensate is not None for node in specification.body)
    )


async def run_epilogue(run: Run, ending: Ending) -> Ending:
    """Run what is left of an execution's epilogue; safe to repeat.

    Raises:
        Draining: The process hands its executions over; the next owner goes on with the rest.

    Args:
        run: The execution, whose graph runs no more.
        ending: How it ends.

    Returns:
        The ending with what went wrong here added to its message.
    """
    specification = run.facts.specification
    past = await outcomes(run)
    known = await _known(run, past)
    if ending.rolls_back(specification):
        ending = ending.remarked(await _roll_back(run, past, known))
    return ending.remarked(await _finish(run, past, known, ending))


@dataclass(slots=True)
class Outcomes:
    """What became of an execution's nodes, as it is recorded."""

    completed: dict[str, Any] = field(default_factory=dict)
    """Rows of nodes that completed, by id, in the order of their last completion."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why nodes failed, by id."""
    followed: dict[str, Then] = field(default_factory=dict)
    """What followed a node's failure, by id; gone when it completed later."""
    visits: dict[str, str] = field(default_factory=dict)
    """The last visit of each node that ended, by id."""
    compensated: dict[str, str | None] = field(default_factory=dict)
    """Why compensations failed, by node; None: they completed."""


async def outcomes(run: Run) -> Outcomes:
    """Read what became of an execution's nodes."""
    past = Outcomes()
    rows = await run.host.pool.fetch(statement("list_outcomes"), run.lease.execution_id)
    for row in rows:
        node_id = row["node_id"]
        if row["event_type"].startswith("compensation_"):
            past.compensated[node_id] = row["error_message"]
            continue
        if row["task_id"]:
            past.visits[node_id] = row["task_id"]
        if row["event_type"] == "node_completed":
            past.completed.pop(node_id, None)
            past.completed[node_id] = row
            past.followed.pop(node_id, None)
        else:
            past.failed[node_id] = row["error_message"] or ""
            past.followed[node_id] = row["follows"]
    return past


async def _known(run: Run, past: Outcomes) -> Known:
    """Return what the nodes left: it stands in the logs, since branches keep their own state."""
    specification = run.facts.specification
    nodes = {node.id: node for node in specification.nodes}
    used = _used(specification)
    values: dict[str, Any] = {}
    for node_id, row in past.completed.items():
        node = nodes[node_id]
        if node.pattern == "map" and node.key in used:
            # Too large to be used as a whole, it has no value, and what names it fails by itself.
            with suppress(AgentError):
                values[node.key] = await run.rows.whole(node.key, row["task_id"])
        elif node.pattern != "map":
            values[node.key] = await run.artifacts.reader.recorded(loads(row["output_data"]))
    for node_id, then in past.followed.items():
        node = nodes[node_id]
        values[node.key] = node.default if then == "default" else None
    return Known(values, past.failed)


def _used(specification: Specification) -> str:
    """Return the text of all parameters of epilogues: a long list is only loaded when named."""
    undoing = [node.compensate.parameters for node in specification.body if node.compensate]
    last = [[node.parameters, node.input_keys] for node in final_nodes(specification)]
    return orjson.dumps([undoing, last]).decode("utf-8")


async def _roll_back(run: Run, past: Outcomes, known: Known) -> list[str]:
    """Undo what completed, the last first; return what could not be undone."""
    remarks = []
    notes = Notes(run.lease, run.artifacts, "compensation")
    for node_id in reversed(past.completed):
        undo = compensation(run.facts.specification.node(node_id))
        if undo is None or _is_of_another(run, past.completed[node_id]):
            continue
        if node_id not in past.compensated:
            _stop_if_draining(run)
            name = f"{node_id}.compensate"
            attempt = await run.attempts(undo, COMPENSATION, known, notes, name=name)
            await _record(run, notes, undo, COMPENSATION, attempt)
            past.compensated[node_id] = attempt.error
        if error := past.compensated[node_id]:
            remarks.append(f"The compensation of `{node_id}` failed: {error}")
    return remarks


def _is_of_another(run: Run, row: Any) -> bool:
    """Whether a result belongs to the execution that it was reused of, which stands as it is.

    A retry goes on in the place of a failed one, and undoes what that one did.
    """
    reused = row["reused_from"] is not None
    return reused and run.seeds is not None and run.seeds.kind != "retry"


async def _finish(run: Run, past: Outcomes, known: Known, ending: Ending) -> list[str]:
    """Run the nodes of `finally`; return what failed."""
    remarks = []
    specification = run.facts.specification
    notes = Notes(run.lease, run.artifacts)
    extra = {
        "execution": {"status": ending.status, "error": ending.message},
        "failures": await _failures(run, past),
    }
    values = {**_absent(specification.body), **known.values}
    for node in final_nodes(specification):
        if node.id not in past.completed and node.id not in past.failed:
            _stop_if_draining(run)
            attempt = await run.attempts(node, FINAL, Known(values), notes, extra=extra)
            await _record(run, notes, node, FINAL, attempt)
            values[node.key] = attempt.result.output if attempt.result else None
            if attempt.error:
                past.failed[node.id] = attempt.error
        if error := past.failed.get(node.id):
            remarks.append(f"The last step `{node.id}` failed: {error}")
    return remarks


async def _failures(run: Run, past: Outcomes) -> Mapping[str, Any]:
    """Return what `{failures.x}` names: messages, and the failed items of maps where asked for."""
    specification = run.facts.specification
    failures: dict[str, dict[str, Any]] = {
        node.id: {"message": past.failed.get(node.id)} for node in specification.nodes
    }
    used = _used(specification)
    for name in run.facts.compiled.maps:
        asked = name in past.visits and f"failures.{name}" in used
        failures[name]["items"] = await run.rows.failed_items(past.visits[name]) if asked else []
    return failures


def _stop_if_draining(run: Run) -> None:
    if run.host.draining:
        raise Draining


def _absent(nodes: Iterable[Node]) -> Mapping[str, Any]:
    """What did not run has no value; what runs at the end may ask for it all the same."""
    return dict.fromkeys(node.key for node in nodes)


async def _record(run: Run, notes: Notes, node: Node, task_id: str, attempt: Attempt) -> None:
    if attempt.result is not None:
        await run.write(notes.completed(node, task_id, attempt, attempt.result))
    else:
        await run.write(notes.failed(node, task_id, attempt))
