"""The JSON shapes of answers, as the product's contract writes them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from compiler.diagram import layout, mermaid
from compiler.specification import Node, Specification
from compiler.text import to_document
from serve.identifiers import render
from store.json_values import loads
from store.origins import origin_document
from store.queue import COUNTED, QueuePlace
from store.status import Status
from store.workflows import Workflow

Row = Any


def timestamp(moment: datetime | None) -> str | None:
    """Return a time as the API writes it: UTC with a Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def graph_document(specification: Specification) -> dict[str, Any]:
    """Return a specification's graph: pattern, nodes and edges, with ways to draw it."""
    document = to_document(specification)
    return {
        "parsed_specification": {
            "pattern": specification.pattern,
            "nodes": document["nodes"],
            "edges": document.get("edges", []),
            **{name: document[name] for name in ("trigger", "state_schema") if name in document},
        },
        "diagram": mermaid(specification),
        "levels": layout(specification),
    }


def yaml_url(base_url: str, workflow: Workflow) -> str:
    """Return where a workflow's YAML is."""
    return f"{base_url}/api/v1/workflows/{render('wf', workflow.id)}?format=yaml"


def created_document(
    workflow: Workflow, specification: Specification, base_url: str
) -> dict[str, Any]:
    """Return what creating a workflow answers."""
    return {
        "workflow_id": render("wf", workflow.id),
        "name": workflow.name,
        "status": workflow.status,
        **graph_document(specification),
        "yaml_config_url": yaml_url(base_url, workflow),
        "version": workflow.version,
        "created_at": timestamp(workflow.created_at),
    }


def workflow_summary(workflow: Workflow) -> dict[str, Any]:
    """Return a workflow as lists show it."""
    return {
        "workflow_id": render("wf", workflow.id),
        "name": workflow.name,
        "description": workflow.description,
        "status": workflow.status,
        "version": workflow.version,
        "tags": workflow.tags,
        "executions_count": workflow.executions_count,
        "last_executed": timestamp(workflow.last_executed_at),
        "created_at": timestamp(workflow.created_at),
    }


def workflow_document(workflow: Workflow, base_url: str) -> dict[str, Any]:
    """Return a whole workflow."""
    specification = Specification.model_validate(workflow.specification)
    graph = graph_document(specification)
    return {
        **workflow_summary(workflow),
        "specification": workflow.specification,
        "yaml_config_url": yaml_url(base_url, workflow),
        "diagram": graph["diagram"],
        "levels": graph["levels"],
        "updated_at": timestamp(workflow.updated_at),
    }


def progress_document(row: Row) -> dict[str, Any]:
    """Return how far an execution is."""
    return {
        "total_nodes": row["total_nodes"],
        # A loop may pass a node often; the count never passes the total.
        "completed_nodes": min(row["completed_nodes"], row["total_nodes"]),
        "failed_nodes": row["failed_nodes"],
        "current_node": row["current_node_id"],
    }


def execution_summary(row: Row) -> dict[str, Any]:
    """Return an execution as lists show it."""
    return {
        "execution_id": render("exec", row["id"]),
        "workflow_id": render("wf", row["workflow_id"]),
        "workflow_name": row["workflow_name"],
        "workflow_version": row["workflow_version"],
        "status": row["status"],
        "waiting_reason": row["waiting_reason"],
        "progress": progress_document(row),
        "duration_seconds": duration_seconds(row),
        "cost_usd": float(row["cost_usd"]),
        "error_message": row["error_message"],
        "parent": _parent_document(row),
        "origin": origin_of(row),
        "started_at": timestamp(row["started_at"]),
        "completed_at": timestamp(row["completed_at"]),
    }


def _parent_document(row: Row) -> dict[str, Any] | None:
    if row["parent_execution_id"] is None:
        return None
    return {
        "execution_id": render("exec", row["parent_execution_id"]),
        "node_id": row["parent_node_id"],
        "map_index": row["parent_map_index"],
    }


def child_document(row: Row) -> dict[str, Any]:
    """Return an execution that another one started, as that one shows it."""
    return {
        "execution_id": render("exec", row["id"]),
        "workflow_id": render("wf", row["workflow_id"]),
        "workflow_name": row["workflow_name"],
        "node_id": row["parent_node_id"],
        "map_index": row["parent_map_index"],
        "status": row["status"],
    }


def origin_of(row: Row) -> dict[str, Any] | None:
    """Return which execution this one was made of; None when it was started by itself."""
    if row["origin_execution_id"] is None:
        return None
    return origin_document(
        row["origin_execution_id"],
        row["origin_kind"],
        row["origin_node_id"],
        row["origin_checkpoint_number"],
    )


def duration_seconds(row: Row) -> float | None:
    """Return how long an execution took, or has taken so far."""
    if row["duration_seconds"] is not None:
        return round(float(row["duration_seconds"]), 3)
    if row["started_at"] is None:
        return None
    started_at: datetime = row["started_at"]
    return round((datetime.now(UTC) - started_at).total_seconds(), 3)


def execution_document(
    row: Row,
    attempts: Sequence[Row],
    approvals: Sequence[Row],
    maps: Sequence[Row],
    children: Sequence[Row],
) -> dict[str, Any]:
    """Return the status of an execution."""
    specification, drawn = _drawn(row["document"])
    counts = {count["node_id"]: count for count in maps}
    by_node = {attempt["node_id"]: attempt for attempt in attempts if not attempt["compensates"]}
    undone = {attempt["node_id"]: attempt for attempt in attempts if attempt["compensates"]}
    ended = Status(row["status"]).ended
    nodes: list[dict[str, Any]] = [
        _node_document(node, by_node[node.id], counts, ended)
        if node.id in by_node
        else {"node_id": node.id, "agent": node.agent, "status": "skipped" if ended else "pending"}
        for node in specification.nodes
    ]
    for node in nodes:
        if node["node_id"] in undone:
            node["compensation"] = _compensation_document(undone[node["node_id"]])
    error = {"node_id": row["error_node_id"], "message": row["error_message"]}
    return {
        **execution_summary(row),
        "nodes": nodes,
        "approvals": [approval_document(approval) for approval in approvals],
        "children": [child_document(child) for child in children],
        "input": loads(row["input_data"]),
        "output": loads(row["output_data"]),
        "error": error if row["error_message"] else None,
        "ending": None if ended else ending_status(row),
        "cost": {
            "llm_tokens": row["llm_tokens_used"],
            "api_calls": row["api_calls_made"],
            "total_usd": float(row["cost_usd"]),
        },
        "retry_count": row["retry_count"],
        **drawn,
    }


@lru_cache(maxsize=64)
def _drawn(document: str) -> tuple[Specification, dict[str, Any]]:
    """Return a specification, and what an execution's status shows of it; from its JSON text."""
    specification = Specification.model_validate(loads(document))
    shown = to_document(specification)
    return specification, {
        "specification": {"nodes": shown["nodes"], "edges": shown.get("edges", [])},
        "levels": layout(specification),
    }


def queued_document(place: QueuePlace | None) -> dict[str, Any] | None:
    """Return why an execution does not run yet; None when it does."""
    if place is None:
        return None
    return {"reason": place.reason, "ahead": place.ahead, "message": _queue_message(place)}


def _queue_message(place: QueuePlace) -> str:
    if place.reason == "starting":
        return "Starts: its own process is not up yet."
    if place.reason == "paused":
        return "Stands in the queue, paused."
    before = f"{place.ahead} before it" if place.ahead else "it is next"
    if place.ahead >= COUNTED:
        before = f"{COUNTED} or more before it"
    why = {
        "key": f"the workflow runs at most {place.at_most} with its key at once",
        "workflow": f"the workflow runs at most {place.at_most} at once",
        "organization": f"the organization runs at most {place.at_most} at once",
        None: "no executor has room",
    }
    return f"Waits in the queue: {before}; {why[place.held_by]}."


def ending_status(row: Row) -> str | None:
    """Return how an execution will end whose last steps run; None while that is open."""
    return loads(row["ending"])["status"] if row["ending"] else None


def _compensation_document(attempt: Row) -> dict[str, Any]:
    return {
        "agent": attempt["agent_name"],
        "status": attempt["status"],
        "attempt": attempt["attempt"],
        "started_at": timestamp(attempt["started_at"]),
        "completed_at": timestamp(attempt["completed_at"]),
        "output": loads(attempt["output_data"]),
        "error": attempt["error_message"],
    }


def _node_document(
    node: Node, attempt: Row, counts: Mapping[str, Row], ended: bool
) -> dict[str, Any]:
    output = loads(attempt["output_data"])
    if output is not None and (node.output_key or not isinstance(output, dict)):
        output = {node.key: output}
    status = attempt["status"]
    if status in ("pending", "running") and ended:
        status = "skipped"
    elif status == "pending":
        status = "waiting"
    document = {
        "node_id": node.id,
        "agent": attempt["agent_name"],
        "status": status,
        "attempt": attempt["attempt"],
        "started_at": timestamp(attempt["started_at"]),
        "completed_at": timestamp(attempt["completed_at"]),
        "duration_seconds": _seconds(attempt["duration_seconds"]),
        "output": output,
        "error": attempt["error_message"],
        "metadata": loads(attempt["metadata"]) or {},
        "llm_tokens": attempt["llm_tokens_used"],
        "api_calls": attempt["api_calls_made"],
        "cost_usd": float(attempt["cost_usd"]),
    }
    if node.pattern == "map" and "items" in document["metadata"]:
        count = counts.get(node.id, {"ended": 0, "failed": 0})
        document["items"] = {
            "count": document["metadata"]["items"],
            "completed": count["ended"] - count["failed"],
            "failed": count["failed"],
        }
    return document


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)


def approval_document(row: Row) -> dict[str, Any]:
    """Return a question to a person."""
    options = loads(row["options"])
    return {
        "approval_id": render("appr", row["id"]),
        "node_id": row["node_id"],
        "message": row["message"],
        "approval_type": row["approval_type"],
        "options": [] if row["approval_type"] == "form" else options,
        "schema": options if row["approval_type"] == "form" else None,
        "requested_at": timestamp(row["requested_at"]),
        "expires_at": timestamp(row["expires_at"]),
        "on_timeout": row["on_timeout"],
        "map_index": row["map_index"],
        "approvers": loads(row["approvers"]),
        "required": row["required"],
        "votes": vote_documents(row),
        "status": row["status"],
        "decision": row["decision"],
        "value": loads(row["value"]),
        "comment": row["comment"],
        "decided_by": row["decided_by"],
        "decided_at": timestamp(row["decided_at"]),
    }


def vote_documents(row: Row) -> list[dict[str, Any]]:
    """Return who has answered a question, in order."""
    return [
        {**vote, "at": timestamp(datetime.fromisoformat(vote["at"]))}
        for vote in loads(row["votes"])
    ]


def log_document(row: Row) -> dict[str, Any]:
    """Return one attempt as logs show it."""
    return {
        "node_id": row["node_id"],
        "compensates": row["compensates"],
        "agent": row["agent_name"],
        "status": row["status"],
        "attempt": row["attempt"],
        "started_at": timestamp(row["started_at"]),
        "completed_at": timestamp(row["completed_at"]),
        "duration_seconds": _seconds(row["duration_seconds"]),
        "input": loads(row["input_data"]),
        "output": loads(row["output_data"]),
        "error_message": row["error_message"],
        "error_trace": row["error_trace"],
        "metadata": loads(row["metadata"]) or {},
        "llm_tokens": row["llm_tokens_used"],
        "api_calls": row["api_calls_made"],
        "cost_usd": float(row["cost_usd"]),
    }
