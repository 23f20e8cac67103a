"""The asynchronous client: one method for each call of the API."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Self, TypeVar

import httpx

from weft import requests
from weft.agents import AsyncAgents
from weft.connection import Connection
from weft.egress import AsyncEgress
from weft.records import (
    TERMINAL_STATUSES,
    BulkResult,
    Cancellation,
    CheckpointPage,
    CheckpointState,
    CreatedWorkflow,
    Decision,
    Event,
    Execution,
    ExecutionPage,
    Health,
    Item,
    ItemPage,
    NodeLog,
    Plan,
    Pruning,
    Readers,
    Session,
    Workflow,
    WorkflowPage,
)
from weft.requests import Request
from weft.retries import Retries, is_gateway_failure
from weft.secrets import AsyncSecrets
from weft.stream import Subscription, iterate_async
from weft.templates import AsyncTemplates
from weft.versions import AsyncVersions

T = TypeVar("T")


class AsyncClient(AsyncAgents, AsyncEgress, AsyncSecrets, AsyncTemplates, AsyncVersions):
    """Speaks to a Weft platform, asynchronously.

    Used as a context manager it closes its connections at the end. Whatever is safe to repeat is
    repeated, a bounded number of times, when the platform cannot be reached for a moment; starts
    carry an idempotency key, so that a repeated start makes one execution.
    """

    def __init__(
        self,
        base_url: str | None = None,
        token: str | None = None,
        timeout: float = 30.0,
        retries: Retries | None = None,
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            base_url: The platform's address; None: `WEFT_URL`, else this machine.
            token: The bearer token; None: `WEFT_TOKEN`, else the local platform's token file.
            timeout: Seconds one request may take.
            retries: How often and after how long a request is repeated; None: six attempts.

        Raises:
            WeftError: The address is no URL, or the token file cannot be read.
        """
        self.connection = Connection.find(base_url, token, timeout)
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(
            base_url=self.connection.base_url,
            headers=self.connection.headers,
            timeout=timeout,
            trust_env=not self.connection.is_local,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; safe to repeat."""
        await self._http.aclose()

    async def create(
        self,
        description: str | None = None,
        *,
        specification: Mapping[str, Any] | None = None,
        yaml: str | None = None,
        template: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        answers: Mapping[str, str] | None = None,
        offline: bool = False,
    ) -> CreatedWorkflow:
        """Create a workflow from exactly one of a sentence, a specification, YAML, a template.

        Each call creates a workflow.

        Args:
            description: What the workflow does, in English.
            specification: The specification as JSON.
            yaml: The specification as YAML text.
            template: The id of a template.
            inputs: Values for inputs of the template, which become their defaults.
            name: Its name; None: taken from the source.
            tags: Words to find it by.
            answers: Answers to the questions of an earlier refusal, by question id.
            offline: Read the sentence without a language model.

        Raises:
            WeftError: It is wrong (`problems`) or leaves something open (`questions`).
            ValueError: Not exactly one source was given.
        """
        source = requests.source(description, specification, yaml, template, inputs)
        call = requests.create(source, name, tags, answers, offline)
        return await self._send(call)

    async def dry_run(
        self,
        description: str | None = None,
        *,
        specification: Mapping[str, Any] | None = None,
        yaml: str | None = None,
        template: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        answers: Mapping[str, str] | None = None,
        input: Mapping[str, Any] | None = None,
        offline: bool = False,
    ) -> Plan:
        """Say what `create` would make of the same arguments, and what it would do with an input.

        Nothing is stored or called.
        """
        source = requests.source(description, specification, yaml, template, inputs)
        call = requests.dry_run(source, name, tags, answers, input, offline)
        return await self._send(call)

    async def get(self, workflow_id: str) -> Workflow:
        """Return a workflow with its specification."""
        return await self._send(requests.get(workflow_id))

    async def get_yaml(self, workflow_id: str) -> str:
        """Return a workflow's specification as YAML text."""
        return await self._send(requests.get_yaml(workflow_id))

    async def list(
        self,
        *,
        status: str | None = None,
        tags: Sequence[str] = (),
        limit: int = 50,
        offset: int = 0,
    ) -> WorkflowPage:
        """Return one page of the workflows, the newest first."""
        return await self._send(requests.list_workflows(status, tags, limit, offset))

    async def archive(self, workflow_id: str) -> Workflow:
        """Archive a workflow: it stays readable and starts no more; safe to repeat."""
        return await self._send(requests.archive(workflow_id))

    async def delete(self, workflow_id: str) -> None:
        """Delete a workflow."""
        await self._send(requests.delete(workflow_id))

    async def execute(
        self,
        workflow_id: str,
        input: Mapping[str, Any] | None = None,
        *,
        wait: bool = False,
        timeout_seconds: float | None = None,
        priority: int | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Start an execution; with `wait` return it when it has ended.

        Safe to repeat with the same idempotency key.

        Args:
            workflow_id: Which workflow.
            input: Its input.
            wait: Whether to wait for the end, however long that takes.
            timeout_seconds: After how long the platform gives the execution up; None: the
                workflow's own bound.
            priority: -100 to 100, the highest goes first; None: the workflow's own.
            webhook_url: Where the platform posts the result.
            idempotency_key: Names this start; None: a new one.

        Raises:
            WeftError: The input is wrong, or the workflow cannot start.
        """
        call = requests.execute(
            workflow_id, input, timeout_seconds, priority, webhook_url, idempotency_key
        )
        started = await self._send(call)
        return await self.wait(started["execution_id"]) if wait else started

    async def execution(self, execution_id: str, *, full: bool = False) -> Execution:
        """Return an execution's status: its nodes, approvals, output and cost.

        Args:
            execution_id: Which execution.
            full: Whether its output is to be whole, however large it is.
        """
        return await self._send(requests.execution(execution_id, full))

    async def executions(
        self,
        *,
        workflow_id: str | None = None,
        status: str | None = None,
        parent: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> ExecutionPage:
        """Return one page of executions, the newest first: of a workflow, or of all.

        Args:
            workflow_id: Whose executions.
            status: Only those with this status.
            parent: Only those that this execution started.
            limit: The most on the page.
            offset: After how many it begins.
        """
        call = requests.list_executions(workflow_id, status, parent, limit, offset)
        return await self._send(call)

    async def cancel(self, execution_id: str) -> Cancellation:
        """Cancel an execution; when this returns nothing more of it starts."""
        return await self._send(requests.cancel(execution_id))

    async def checkpoints(
        self, execution_id: str, *, limit: int = 100, offset: int = 0
    ) -> CheckpointPage:
        """Return one page of an execution's checkpoints, the first first."""
        return await self._send(requests.checkpoints(execution_id, limit, offset))

    async def state(
        self, execution_id: str, checkpoint_number: int, *, full: bool = False
    ) -> CheckpointState:
        """Return the state at a checkpoint; mapped lists are counts unless `full`."""
        return await self._send(requests.state(execution_id, checkpoint_number, full))

    async def rerun(
        self,
        execution_id: str,
        node_id: str | None = None,
        *,
        visit: int | None = None,
        input: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Make a new execution of one that runs anew from a node on; what is before is reused.

        Args:
            execution_id: Which execution; it stays as it is.
            node_id: The first node to run anew; None: all of them.
            visit: Which of its visits in a loop; None: the last.
            input: What replaces the input.
            state: What replaces reused results, by state key.
            idempotency_key: Names this start; None: a new one.
        """
        call = requests.rerun(execution_id, node_id, visit, input, state, idempotency_key)
        return await self._send(call)

    async def fork(
        self,
        execution_id: str,
        checkpoint_number: int,
        *,
        state: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Execution:
        """Make a new execution of one that goes on from a checkpoint, with edited state."""
        return await self._send(
            requests.fork(execution_id, checkpoint_number, state, idempotency_key)
        )

    async def retry(self, execution_id: str, *, idempotency_key: str | None = None) -> Execution:
        """Make a new execution that goes on where one failed or was cancelled."""
        return await self._send(requests.retry(execution_id, idempotency_key))

    async def bulk(
        self,
        action: Literal["cancel", "retry", "rerun"],
        *,
        dry_run: bool = False,
        idempotency_key: str | None = None,
        **wanted: Any,
    ) -> BulkResult:
        """Cancel, retry or rerun up to 1,000 executions, each once however often it is repeated.

        `wanted` filters: `status`, `workflow_id`, `after` and `before` (ISO 8601), `limit`.
        """
        return await self._send(requests.bulk(action, wanted, dry_run, idempotency_key))

    async def approve(
        self,
        execution_id: str,
        decision: str = "approve",
        *,
        approval_id: str | None = None,
        value: Any = None,
        comment: str | None = None,
    ) -> Decision:
        """Answer an approval.

        Args:
            execution_id: Which execution asks.
            decision: `approve`, `reject`, or one of the approval's options.
            approval_id: Which of its approvals; needed when several are open.
            value: The answer to a `text_input` approval.
            comment: A remark that is kept with the decision.

        Raises:
            WeftError: There is no such open approval, or the answer does not fit it.
        """
        call = requests.approve(execution_id, decision, approval_id, value, comment)
        return await self._send(call)

    async def artifact(self, execution_id: str, sha256: str) -> str:
        """Return the JSON text of a large value that an answer or an event only refers to."""
        return await self._send(requests.artifact(execution_id, sha256))

    async def delete_execution(self, execution_id: str) -> None:
        """Delete an ended execution with its logs, events, state and artifacts."""
        await self._send(requests.delete_execution(execution_id))

    async def prune(self, older_than_days: float, *, dry_run: bool = False) -> Pruning:
        """Delete a batch of the executions that ended so long ago, or only count them."""
        return await self._send(requests.prune(older_than_days, dry_run))

    async def logs(self, execution_id: str) -> builtins.list[NodeLog]:
        """Return every attempt at every node with its input, output and error."""
        return await self._send(requests.logs(execution_id))

    async def items(
        self,
        execution_id: str,
        node_id: str,
        *,
        status: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> ItemPage:
        """Return one page of a map node's items that have ended, in the order of its list.

        Args:
            execution_id: Which execution.
            node_id: Which map node.
            status: Only `completed` or only `failed` ones; None: all.
            limit: How many at most.
            offset: How many to pass over.
        """
        return await self._send(requests.items(execution_id, node_id, status, limit, offset))

    async def item(self, execution_id: str, node_id: str, index: int) -> Item:
        """Return one item of a map node, its output whole."""
        return await self._send(requests.item(execution_id, node_id, index))

    async def events(
        self, execution_id: str, *, after: int = 0, limit: int = 500
    ) -> builtins.list[Event]:
        """Return recorded events whose sequence number is above `after`."""
        return await self._send(requests.events(execution_id, after, limit))

    async def readers(self) -> Readers:
        """Return the language models that read texts, unless these are to be read offline."""
        return await self._send(requests.readers())

    async def session(self) -> Session:
        """Return the user, the organization and the role that the token stands for."""
        return await self._send(requests.session())

    async def health(self) -> Health:
        """Return whether the platform is alive; asks once, without repeating."""
        return await self._send(requests.health(), attempts=1)

    async def ready(self) -> Health:
        """Return whether the platform can take work, and each part's state; asks once."""
        return await self._send(requests.ready(), attempts=1)

    def stream(self, execution_id: str, *, after: int = 0) -> AsyncIterator[Event]:
        """Yield an execution's events as they happen, until it ends.

        Events that were recorded earlier come first. A lost connection is opened again after the
        last event seen, so that none is missed and none comes twice.

        Args:
            execution_id: Which execution.
            after: The sequence number that was seen last; 0: from the beginning.

        Raises:
            WeftError: There is no such execution, or the platform did not come back.
        """
        return iterate_async(Subscription(self.connection, execution_id, after))

    def stream_all(self) -> AsyncIterator[Event]:
        """Yield the events of all executions from now on, without end.

        What happens while a lost connection is opened again is not in it: list the executions
        after a pause to see their state.
        """
        return iterate_async(Subscription(self.connection, None))

    async def wait(self, execution_id: str, *, timeout: float | None = None) -> Execution:
        """Wait until an execution has ended and return it, whatever its status is.

        Args:
            execution_id: Which execution.
            timeout: Seconds to wait at most; the execution goes on when they are over.

        Raises:
            TimeoutError: It did not end in time.
            WeftError: There is no such execution, or the platform did not come back.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.0
        while (execution := await self.execution(execution_id))["status"] not in TERMINAL_STATUSES:
            await asyncio.sleep(pause)
            subscription = Subscription(self.connection, execution_id, deadline=deadline)
            async for _ in iterate_async(subscription):
                pass
            pause = self._retries.initial_seconds
        return execution

    async def _send(self, call: Request[T], attempts: int | None = None) -> T:
        attempts = attempts or self._retries.attempts
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            try:
                response = await self._http.request(
                    call.method,
                    call.path,
                    params=dict(call.params),
                    json=call.body,
                    headers=call.headers,
                )
            except httpx.TransportError as error:
                never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if last or not (call.repeatable or never_sent):
                    raise requests.unreachable(self.connection.base_url, error) from error
            else:
                failed = is_gateway_failure(
                    response.status_code, response.headers.get("content-type", "")
                )
                if last or not (failed and call.repeatable):
                    return call.result(response)
            await asyncio.sleep(self._retries.delay_seconds(attempt + 1))
        raise AssertionError("unreachable")
