"""Trying a node: delays, timeouts, what is final, and what an error may say."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from actors.artifacts import long_text
from actors.attempts import (
    LIST_PART,
    TRACE_CHARACTERS,
    Attempt,
    Work,
    as_json,
    attempt_until_done,
    delay_seconds,
)
from actors.errors import LeaseLost
from actors.secrets import Secrets
from agents.agent import AgentContext
from agents.errors import AgentError
from agents.registry import Registry
from agents.services import Services
from compiler.specification import Node, Retry
from store.json_values import dumps, jsonable
from tests.actors.testing_agent import Step
from tests.eventually import eventually

AT_ONCE = {"max_attempts": 3, "backoff": "fixed", "initial_seconds": 0}


class Told:
    """What was told of attempts."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.retrying: list[Attempt] = []

    async def on_start(self, attempt: Attempt) -> None:
        """Remember that an attempt began."""
        self.started.append(attempt.number)

    async def on_retry(self, attempt: Attempt) -> None:
        """Remember that another attempt follows."""
        self.retrying.append(attempt)


@pytest.fixture
def told() -> Told:
    """What the test's attempts told."""
    return Told()


@pytest.fixture
def work(services: Services, registry: Registry) -> Work:
    """Work of a node without parameters."""
    context = AgentContext(UUID(int=1), UUID(int=2), UUID(int=3), "a", services)
    node = Node(id="a", agent="step")
    return Work(node, registry.get("step"), frozenset(), {"name": "Ada"}, Secrets(), context)


async def _attempt(work: Work, told: Told, **node: Any) -> Attempt:
    document = {"id": "a", "agent": "step", **node}
    work = replace(work, node=Node.model_validate(document))
    return await attempt_until_done(work, told.on_start, told.on_retry)


@pytest.mark.requirement("FR-2.10", "NFR-3.4")
@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        ({}, [1, 2, 4, 8, 16, 32, 60, 60]),
        ({"initial_seconds": 0.5, "factor": 3}, [0.5, 1.5, 4.5, 13.5]),
        ({"backoff": "linear", "initial_seconds": 2}, [2, 4, 6, 8]),
        ({"backoff": "fixed", "initial_seconds": 5}, [5, 5, 5]),
        ({"max_seconds": 3}, [1, 2, 3, 3]),
        ({"factor": 10, "max_seconds": 86_400}, [1, 10, 100, 1000, 10_000, 86_400]),
    ],
)
def test_delays_follow_the_policy(policy: dict[str, Any], delays: list[float]) -> None:
    """Without spread the wait after each failed attempt is the policy's number."""
    retry = Retry(**policy)
    assert [delay_seconds(retry, n, 0) for n in range(1, len(delays) + 1)] == delays


@pytest.mark.requirement("FR-2.10")
def test_jitter_spreads_a_delay_around_itself() -> None:
    """A tenth of jitter moves ten seconds by at most one, and the last attempt is no overflow."""
    retry = Retry(initial_seconds=10, jitter=0.1)
    spread = [delay_seconds(retry, 1, s) for s in (-1, 0, 1)]
    assert spread == pytest.approx([9, 10, 11])
    assert delay_seconds(Retry(factor=10, max_attempts=100), 99, 1) == pytest.approx(66)


@pytest.mark.requirement("FR-2.10", "NFR-3.4")
async def test_retryable_failure_is_tried_again(work: Work, told: Told, step: Step) -> None:
    """The third attempt succeeds; each failure before it was told with its wait."""
    parameters = {"value": 1, "fail": "busy", "failures": 2, "retryable": True}
    attempt = await _attempt(work, told, parameters=parameters, retry=AT_ONCE)
    assert (attempt.number, attempt.result and attempt.result.output) == (3, 1)
    assert (attempt.error, told.started) == (None, [1, 2, 3])
    assert [(one.number, one.error) for one in told.retrying] == [(1, "busy"), (2, "busy")]


@pytest.mark.requirement("FR-2.10")
async def test_attempts_are_used_up(work: Work, told: Told) -> None:
    """After the last attempt the error stands and nothing follows."""
    parameters = {"fail": "busy", "retryable": True}
    attempt = await _attempt(work, told, parameters=parameters, retry=AT_ONCE)
    assert (attempt.number, attempt.error, attempt.retry_in_seconds) == (3, "busy", None)
    assert attempt.result is None
    assert attempt.ended_at is not None


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"fail": "No."}, "No."),
        ({"crash": "Oops."}, "RuntimeError: Oops."),
        ({"value": "{nobody}"}, "nobody"),
        ({"value": 1, "depth": 250}, "nested deeper than"),
    ],
)
async def test_final_failure_is_not_tried_again(
    parameters: dict[str, Any], message: str, work: Work, told: Told
) -> None:
    """A wrong parameter, a final error or a bug is the same the next time."""
    attempt = await _attempt(work, told, parameters=parameters, retry=AT_ONCE)
    assert attempt.number == 1
    assert message in str(attempt.error)


@pytest.mark.requirement("FR-7.5")
async def test_bug_leaves_its_trace(work: Work, told: Told) -> None:
    """The trace of an unexpected error is kept, up to a bound; a reported error has none."""
    bug = await _attempt(work, told, parameters={"crash": "x" * 2 * TRACE_CHARACTERS})
    assert bug.trace is not None
    assert len(bug.trace) == TRACE_CHARACTERS
    assert (await _attempt(work, told, parameters={"fail": "No."})).trace is None


async def test_wrong_parameters_are_named_without_their_values(work: Work, told: Told) -> None:
    """The message names the place and the fault; what was given may be a secret."""
    parameters = {"depth": "{secrets.key}"}
    work = replace(work, secrets=Secrets({"key": "s3cret"}))
    attempt = await _attempt(work, told, parameters=parameters)
    assert str(attempt.error).startswith("parameters.depth: ")
    assert "s3cret" not in str(attempt.error)
    assert attempt.shown_parameters == {"depth": "{secrets.key}"}


async def test_late_attempt_is_cut_off_and_tried_again(work: Work, told: Told, step: Step) -> None:
    """Each attempt has the node's timeout to itself."""
    attempt = await _attempt(
        work, told, parameters={"hold": True}, timeout=0.05, retry={**AT_ONCE, "max_attempts": 2}
    )
    assert (attempt.number, attempt.error) == (2, "The attempt took longer than 0.05 s.")
    assert (step.ran, step.ended) == (["a", "a"], [])


async def test_other_side_may_ask_for_a_longer_wait(
    work: Work, told: Told, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is the policy's or what the other side asked for, whichever is longer."""

    async def run(*_: Any) -> Any:
        raise AgentError("busy", retryable=True, retry_after_seconds=0.25)

    monkeypatch.setattr(step, "run", run)
    await _attempt(work, told, retry={**AT_ONCE, "max_attempts": 2})
    assert [one.retry_in_seconds for one in told.retrying] == [0.25]


@pytest.mark.requirement("FR-4.9")
@pytest.mark.parametrize("kind", ["fail", "crash"])
async def test_secrets_do_not_appear_in_errors(kind: str, work: Work, told: Told) -> None:
    """Message and trace show the reference instead, also of a secret that begins like another."""
    work = replace(work, secrets=Secrets({"short": "abc", "long": "abcdef", "empty": ""}))
    attempt = await _attempt(work, told, parameters={kind: "{secrets.long}/{secrets.short}"})
    assert str(attempt.error).endswith("{secrets.long}/{secrets.short}")
    assert "abc" not in (attempt.trace or "")
    assert attempt.shown_parameters == {kind: "{secrets.long}/{secrets.short}"}


async def test_lost_lease_is_no_failure_of_the_node(work: Work, told: Told) -> None:
    """What only the owner can be told passes through."""

    async def started(_attempt: Attempt) -> None:
        raise LeaseLost(UUID(int=3), 1)

    with pytest.raises(LeaseLost):
        await attempt_until_done(work, started, told.on_retry)


async def test_cancelled_attempt_is_no_failure_of_the_node(
    work: Work, told: Told, step: Step
) -> None:
    """A cancel from outside is neither retried nor recorded as an error."""
    node = Node.model_validate({"id": "a", "agent": "step", "parameters": {"hold": True}})
    work = replace(work, node=node)
    task = asyncio.create_task(attempt_until_done(work, told.on_start, told.on_retry))
    await eventually(lambda: step.ran)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_long_lists_are_written_as_short_ones_are() -> None:
    """A part at a time, the text and the values are those of the whole."""
    rows: list[Any] = [
        {"n": n, "t": "ü\u0000", "f": float("nan")} for n in range(2 * LIST_PART + 1)
    ]
    assert await as_json(rows) == jsonable(rows)
    assert await long_text(rows) == dumps(rows)
    assert await long_text(rows[:LIST_PART]) == ""
