"""The shapes of the API's answers about checkpoints and executions made of others."""

from typing import Any, Literal

from pydantic import AwareDatetime

from serve.answers import Answer, WorkflowId
from serve.execution_answers import ExecutionId, ExecutionOrigin, ExecutionStatus


class Checkpoint(Answer):
    """A point in an execution that it can be forked at."""

    checkpoint_number: int
    """Counted from 1 in each execution."""
    checkpoint_id: str
    branch: str | None
    """The parallel branch whose checkpoint it is; null: of the whole graph."""
    node_id: str | None
    """The node that had ended last; null: none had."""
    event_seq: int
    """The number of the last event before it."""
    created_at: AwareDatetime


class Checkpoints(Answer):
    """A page of an execution's checkpoints, the first first."""

    checkpoints: list[Checkpoint]
    total: int
    limit: int
    offset: int


class CheckpointState(Answer):
    """What stood in the state at a checkpoint: what a fork begins with."""

    execution_id: ExecutionId
    checkpoint_number: int
    event_seq: int
    created_at: AwareDatetime
    input: Any
    state: dict[str, Any]
    """Results by key; a mapped list as `count` and `failed`, unless with `full=true`."""
    failures: dict[str, str]
    """Why nodes failed after whose failure the execution went on, by node."""


class MadeExecution(Answer):
    """A new execution that was made of another one."""

    execution_id: ExecutionId
    workflow_id: WorkflowId
    status: ExecutionStatus
    origin: ExecutionOrigin
    started_at: AwareDatetime
    websocket_url: str
    """Where its events are streamed, with `?after=` the number of the last one seen."""


class Done(Answer):
    """What was done with one of many executions."""

    execution_id: ExecutionId
    made: ExecutionId | None
    """The new execution; null: nothing was made, as by a cancel."""
    problem: str | None
    """Why it could not be done; null: it was."""


class BulkResult(Answer):
    """What was done with many executions."""

    action: Literal["cancel", "retry", "rerun"]
    dry_run: bool
    matched: int
    done: int
    refused: int
    executions: list[Done]
    """Each that matched, the oldest first; of a dry run nothing is done with them."""
