"""What the fake platform knows: workflows, executions and their events, moved on by the tests."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

Document = dict[str, Any]

REVIEWS: Document = {
    "metadata": {
        "name": "Customer Feedback Analysis",
        "description": "Scrape the reviews, analyze each, report, ask, and mail",
        "tags": ["reviews", "llm"],
    },
    "pattern": "map_reduce",
    "state_schema": {
        "input": {
            "type": "object",
            "properties": {
                "url": {"type": "string", "title": "Site", "description": "Where reviews are"},
                "limit": {"type": "integer", "default": 40, "minimum": 1},
                "urgent": {"type": "boolean"},
                "language": {"type": "string", "enum": ["en", "de"]},
            },
            "required": ["url"],
        }
    },
    "nodes": [
        {"id": "scrape_reviews", "agent": "web_scraping", "output_key": "reviews"},
        {"id": "map_sentiment", "agent": "llm", "pattern": "map", "input_keys": ["reviews"]},
        {"id": "extract_topics", "agent": "llm", "input_keys": ["reviews"]},
        {"id": "write_report", "agent": "aggregator"},
        {"id": "approve_report", "agent": "human_loop"},
        {"id": "send_email", "agent": "email"},
    ],
    "edges": [
        {"from": "scrape_reviews", "to": "map_sentiment"},
        {"from": "scrape_reviews", "to": "extract_topics"},
        {"from": "map_sentiment", "to": "write_report"},
        {"from": "extract_topics", "to": "write_report"},
        {"from": "write_report", "to": "approve_report"},
        {"from": "approve_report", "to": "send_email"},
    ],
}
REVIEWS_LEVELS = [
    ["scrape_reviews"],
    ["map_sentiment", "extract_topics"],
    ["write_report"],
    ["approve_report"],
    ["send_email"],
]

UPTIME: Document = {
    "metadata": {"name": "Website Uptime Monitor", "description": "Alert when it is down"},
    "pattern": "conditional",
    "nodes": [
        {"id": "check_uptime", "agent": "api"},
        {"id": "router", "agent": "router"},
        {"id": "send_slack_alert", "agent": "api"},
        {"id": "log_to_db", "agent": "database"},
    ],
    "edges": [
        {"from": "check_uptime", "to": "router"},
        {"from": "router", "to": "send_slack_alert", "condition": "uptime_down"},
        {"from": "router", "to": "log_to_db", "condition": "uptime_up"},
    ],
}
UPTIME_LEVELS = [["check_uptime"], ["router"], ["send_slack_alert", "log_to_db"]]

QUESTION: Document = {
    "id": "email_to",
    "text": "To whom should the summary be mailed?",
    "field": "nodes[2].parameters.to",
    "suggestions": ["ops@example.com"],
    "required": True,
}


class World:
    """The state behind the fake API; every change of an execution is also an event."""

    def __init__(self) -> None:
        self.workflows: dict[str, Document] = {}
        self.executions: dict[str, Document] = {}
        self.events: dict[str, list[Document]] = {}
        self.logs: dict[str, list[Document]] = {}
        self.items: dict[str, list[Document]] = {}
        """The items of map nodes, by node."""
        self.starts: dict[str, str] = {}
        self.on_start: Callable[[str], None] = lambda execution_id: None
        self.on_change: Callable[[], None] = lambda: None
        self._begin = datetime.now(UTC) - timedelta(minutes=2)
        self._elapsed = 0.0
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def pass_time(self, seconds: float) -> None:
        """Move the world's clock on."""
        self._elapsed += seconds

    @property
    def now(self) -> str:
        """The world's time as the API writes it."""
        moment = self._begin + timedelta(seconds=self._elapsed)
        return moment.isoformat().replace("+00:00", "Z")

    def add_workflow(self, specification: Document, levels: list[list[str]]) -> str:
        """Store a workflow and return its id."""
        workflow_id = f"wf_{next(self._numbers):03}"
        metadata = specification["metadata"]
        self.workflows[workflow_id] = {
            "workflow_id": workflow_id,
            "name": metadata["name"],
            "description": metadata["description"],
            "status": "active",
            "version": "1.0.0",
            "tags": metadata.get("tags", []),
            "specification": specification,
            "yaml_config_url": f"file:///configs/{workflow_id}.yaml",
            "diagram": "flowchart TD",
            "levels": levels,
            "created_at": self.now,
            "updated_at": self.now,
            "executions_count": 0,
            "last_executed": None,
        }
        return workflow_id

    def start(self, workflow_id: str, key: str = "") -> str:
        """Start an execution, once for each idempotency key, and return its id."""
        with self._lock:
            if key and key in self.starts:
                return self.starts[key]
            execution_id = f"exec_{next(self._numbers):03}"
            self.starts[key or execution_id] = execution_id
            self._add_execution(workflow_id, execution_id)
        self.emit(execution_id, "workflow_started")
        self.on_start(execution_id)
        return execution_id

    def _add_execution(self, workflow_id: str, execution_id: str) -> None:
        workflow = self.workflows[workflow_id]
        workflow["executions_count"] += 1
        workflow["last_executed"] = self.now
        nodes = workflow["specification"]["nodes"]
        self.events[execution_id] = []
        self.logs[execution_id] = []
        self.executions[execution_id] = {
            "execution_id": execution_id,
            "workflow_id": workflow_id,
            "workflow_name": workflow["name"],
            "workflow_version": workflow["version"],
            "status": "running",
            "waiting_reason": None,
            "progress": {"total_nodes": len(nodes), "completed_nodes": 0, "failed_nodes": 0},
            "nodes": [
                {"node_id": node["id"], "agent": node["agent"], "status": "pending", "attempt": 0}
                for node in nodes
            ],
            "approvals": [],
            "output": None,
            "error": None,
            "origin": None,
            "cost": {"llm_tokens": 0, "api_calls": 0, "total_usd": 0.0},
            "started_at": self.now,
            "completed_at": None,
            "duration_seconds": None,
            "specification": {
                "nodes": nodes,
                "edges": workflow["specification"]["edges"],
            },
            "levels": workflow["levels"],
        }

    def make(self, source_id: str, kind: str, body: Document, key: str) -> Document:
        """Make an execution of another one, once for each idempotency key."""
        execution_id = self.start(self.executions[source_id]["workflow_id"], key)
        made: Document = self.executions[execution_id]
        made["origin"] = {
            "execution_id": source_id,
            "kind": kind,
            "node_id": body.get("node_id"),
            "checkpoint_number": body.get("checkpoint_number"),
        }
        return made

    def checkpoints(self, execution_id: str) -> list[Document]:
        """Return a checkpoint for each node that completed, and one before them."""
        ended = [e for e in self.events[execution_id] if e["type"] == "node_completed"]
        return [
            {
                "checkpoint_number": number,
                "checkpoint_id": f"c{number}",
                "branch": None,
                "node_id": event["node_id"],
                "event_seq": event["seq"],
                "created_at": event["timestamp"],
            }
            for number, event in enumerate([{**self.events[execution_id][0], "node_id": None},
                                            *ended], 1)
        ]  # fmt: skip

    def state(self, execution_id: str, number: int) -> Document:
        """Return what completed nodes had left at a checkpoint."""
        passed = self.checkpoints(execution_id)[:number]
        names = [checkpoint["node_id"] for checkpoint in passed if checkpoint["node_id"]]
        return {
            "execution_id": execution_id,
            "checkpoint_number": number,
            "event_seq": passed[-1]["event_seq"],
            "created_at": passed[-1]["created_at"],
            "input": {},
            "state": {name: self.node(execution_id, name)["output"] for name in names},
            "failures": {},
        }

    def node(self, execution_id: str, node_id: str) -> Document:
        """Return a node of an execution."""
        nodes = self.executions[execution_id]["nodes"]
        return next(node for node in nodes if node["node_id"] == node_id)

    def emit(self, execution_id: str, kind: str, **fields: Any) -> None:
        """Record an event and wake the streams."""
        events = self.events[execution_id]
        events.append(
            {
                "type": kind,
                "seq": len(events) + 1,
                "execution_id": execution_id,
                "timestamp": self.now,
                **fields,
            }
        )
        self.on_change()

    def queue(self, execution_id: str, message: str | None) -> None:
        """Put an execution into the queue, or with None let it run."""
        execution = self.executions[execution_id]
        execution["status"] = "pending" if message else "running"
        execution["queued"] = message and {"reason": "capacity", "ahead": 0, "message": message}

    def start_node(self, execution_id: str, node_id: str, **fields: Any) -> None:
        """Begin an attempt at a node."""
        node = self.node(execution_id, node_id)
        attempt = node["attempt"] + 1
        node |= {"status": "running", "started_at": self.now, "attempt": attempt, **fields}
        self.executions[execution_id]["progress"]["current_node"] = node_id
        self.emit(execution_id, "node_started", node_id=node_id, attempt=attempt)

    def progress(self, execution_id: str, node_id: str, **items: int) -> None:
        """Say how far a map is."""
        self.node(execution_id, node_id)["items"] = items
        told = {"completed": 0, "failed": 0, **items}
        count = told.pop("count")
        self.emit(execution_id, "node_progress", node_id=node_id, items=count, **told)

    def complete_node(
        self, execution_id: str, node_id: str, output: Any, seconds: float = 1.0, **used: Any
    ) -> None:
        """Complete a node after some seconds."""
        node = self.node(execution_id, node_id)
        self.pass_time(seconds)
        node |= {
            "status": "completed",
            "completed_at": self.now,
            "duration_seconds": seconds,
            "output": output,
            "cost_usd": used.get("cost_usd", 0.0),
            "llm_tokens": used.get("llm_tokens", 0),
        }
        execution = self.executions[execution_id]
        execution["progress"]["completed_nodes"] += 1
        execution["cost"]["total_usd"] += node["cost_usd"]
        execution["cost"]["llm_tokens"] += node["llm_tokens"]
        self._log(execution_id, node, output=output)
        self.emit(
            execution_id,
            "node_completed",
            node_id=node_id,
            duration_seconds=seconds,
            output=output,
        )

    def fail_node(self, execution_id: str, node_id: str, error: str, *, again: bool) -> None:
        """Fail an attempt at a node, for good or to be tried again."""
        node = self.node(execution_id, node_id)
        self.pass_time(1)
        self._log(execution_id, node | {"status": "failed"}, error_message=error)
        node |= {"status": "retrying" if again else "failed", "error": error}
        kind = "node_retrying" if again else "node_failed"
        self.emit(execution_id, kind, node_id=node_id, error=error, attempt=node["attempt"])

    def _log(self, execution_id: str, node: Document, **fields: Any) -> None:
        self.logs[execution_id].append(
            {
                "node_id": node["node_id"],
                "agent": node["agent"],
                "status": node["status"],
                "attempt": node["attempt"],
                "started_at": node.get("started_at"),
                "completed_at": self.now,
                "duration_seconds": node.get("duration_seconds") or 1.0,
                "input": {"of": node["node_id"]},
                "output": None,
                "error_message": None,
                "metadata": {"model": "offline"} if node["agent"] == "llm" else {},
                **fields,
            }
        )

    def ask(self, execution_id: str, node_id: str, **fields: Any) -> str:
        """Let a node wait for a person; return the approval's id."""
        approval = {
            "approval_id": f"appr_{next(self._numbers):03}",
            "node_id": node_id,
            "message": "Send this report?",
            "approval_type": "approve_reject",
            "options": [],
            "requested_at": self.now,
            "expires_at": None,
            "map_index": None,
            "status": "pending",
            **fields,
        }
        execution = self.executions[execution_id]
        execution["approvals"].append(approval)
        execution |= {"status": "waiting", "waiting_reason": "approval"}
        node = self.node(execution_id, node_id)
        node |= {"status": "waiting", "attempt": 1, "started_at": self.now}
        self.emit(execution_id, "approval_requested", **approval)
        return str(approval["approval_id"])

    def decide(self, execution_id: str, body: Document) -> Document | None:
        """Decide the named, else the first open approval; None when there is none."""
        execution = self.executions[execution_id]
        wanted = body.get("approval_id")
        for approval in execution["approvals"]:
            if approval["status"] != "pending" or wanted not in (None, approval["approval_id"]):
                continue
            approval |= {"status": "decided", "decided_at": self.now, "decided_by": "me", **body}
            execution |= {"status": "running", "waiting_reason": None}
            self.emit(execution_id, "approval_decided", node_id=approval["node_id"])
            return {
                "execution_id": execution_id,
                "approval_id": approval["approval_id"],
                "status": "decided",
                "decision": body["decision"],
            }
        return None

    def finish(
        self, execution_id: str, status: str, output: Any = None, error: Document | None = None
    ) -> None:
        """End an execution."""
        execution = self.executions[execution_id]
        execution |= {
            "status": status,
            "output": output,
            "error": error,
            "completed_at": self.now,
            "duration_seconds": self._elapsed,
        }
        self.emit(execution_id, f"workflow_{status}", status=status, output=output, error=error)

    def run_to_the_end(self, execution_id: str) -> None:
        """Complete every node of an execution at once."""
        execution = self.executions[execution_id]
        for node in deepcopy(execution["nodes"]):
            self.start_node(execution_id, node["node_id"])
            if node["node_id"] == "map_sentiment":
                self.progress(execution_id, "map_sentiment", count=40, completed=40, failed=0)
            self.complete_node(
                execution_id, node["node_id"], {"done": True}, cost_usd=0.0012, llm_tokens=120
            )
        self.finish(execution_id, "completed", {"report": "# Insights\n\n- 34 of 40 like it"})
