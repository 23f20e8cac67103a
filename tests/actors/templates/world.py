"""The outside world of the templates: sites, a mailbox, a database, people, other workflows."""

import email
import email.policy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from compiler.check import validate_input
from compiler.inputs import with_defaults
from compiler.templates.library import find_template
from compiler.text import to_document
from store.decisions import decide_approval
from store.live import LiveView
from store.postgres import Pool
from store.waking import end_due_waits, send_signal
from tests.actors.conftest import Begin, Look
from tests.actors.process import Process
from tests.agents.website import Site
from tests.factories import Account, MakeWorkflow
from tests.mailbox import Mailbox

WEBHOOK = "chat_webhook"
"""The secret that stands for an incoming webhook of a chat service."""


@dataclass(frozen=True)
class Mail:
    """A mail as its reader sees it."""

    to: list[str]
    subject: str
    text: str
    attachments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What a person answers, or that nobody did in time."""

    decision: str
    value: Any = None
    comment: str = ""
    timed_out: bool = False


NOBODY = Answer("reject", timed_out=True)


@dataclass(frozen=True)
class Ended:
    """How an execution ended, or how it waits."""

    id: UUID
    status: str
    output: Any
    nodes: list[str]
    """The nodes that completed, in order."""
    asked: list[str]
    """What people were asked, in order."""
    error: str | None


@dataclass
class World:
    """What templates reach, and what drives them."""

    site: Site
    mailbox: Mailbox
    database: asyncpg.Connection
    process: Process
    pool: Pool
    """Of role weft_engine."""
    api_pool: Pool
    live: LiveView
    account: Account
    begin: Begin
    look: Look
    make_workflow: MakeWorkflow

    def mails(self) -> list[Mail]:
        """Return the mails that were sent, in order."""
        return [_mail(envelope.rcpt_tos, envelope.content) for envelope in self.mailbox.mails]

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what stands in the outside database."""
        return [tuple(row) for row in await self.database.fetch(query)]

    async def run(
        self,
        template: str,
        inputs: Mapping[str, Any],
        answers: Mapping[str, Sequence[Answer | str]] | None = None,
    ) -> Ended:
        """Start a template by hand, answer what it asks, and drive it until it ends or waits.

        Args:
            template: Its id.
            inputs: Its input; the rest are its defaults.
            answers: What people answer, by node, in order; each is another person's.
        """
        specification = find_template(template).specification
        given = with_defaults(specification, dict(inputs))
        assert validate_input(specification, given) == []
        id = await self.begin(to_document(specification), given)
        await self.drive(id)
        waiting = {node: list(given) for node, given in (answers or {}).items()}
        asked = await self._answer(id, waiting)
        assert not any(waiting.values()), f"Nobody asked for {waiting}."
        return await self.ended(id, asked)

    async def drive(self, id: UUID) -> None:
        """Drive an execution, and what it starts, until all have ended or wait."""
        await self.process.drive(id)
        await self.process.settle()

    async def signal(self, event: str, key: str, payload: Any = None) -> None:
        """Send an event, and drive on whoever waited for it."""
        woken, _ = await send_signal(
            self.api_pool, self.account.tenant_id, event,
            execution_id=None, key=key, payload=payload, owners=[self.process.id],
        )  # fmt: skip
        for execution in woken:
            await self.drive(execution.execution_id)

    async def let_time_pass(self) -> None:
        """Let the time of every wait come, and drive on whoever waited for it."""
        await self.pool.execute(
            "UPDATE execution_waits SET due_at = now() WHERE status = 'pending'"
        )
        for execution in await end_due_waits(self.pool, [self.process.id], 100):
            await self.drive(execution.execution_id)

    async def ended(self, id: UUID, asked: Sequence[str] = ()) -> Ended:
        """Return how an execution stands."""
        row = await self.look.row(id)
        output = await self.look.output(id) if row["status"] == "completed" else None
        nodes = await self.look.nodes(id, "node_completed")
        return Ended(id, row["status"], output, nodes, list(asked), row["error_message"])

    async def _answer(self, id: UUID, waiting: Mapping[str, list[Answer | str]]) -> list[str]:
        asked: list[str] = []
        while questions := await self.pool.fetch(
            "SELECT id, node_id, message FROM execution_approvals "
            "WHERE execution_id = $1 AND status = 'pending' ORDER BY node_id",
            id,
        ):
            for question in questions:
                asked.append(question["message"])
                given = waiting[question["node_id"]].pop(0)
                answer = Answer(given) if isinstance(given, str) else given
                assert await decide_approval(
                    self.pool, self.live, self.account.tenant_id, id, question["id"],
                    decision=answer.decision, value=answer.value, comment=answer.comment,
                    decided_by=f"person{len(asked)}@example.com", owner_id=self.process.id,
                    timed_out=answer.timed_out,
                )  # fmt: skip
            await self.drive(id)
        return asked


def _mail(recipients: list[str], content: Any) -> Mail:
    message = email.message_from_bytes(content, policy=email.policy.default)
    body = message.get_body(("plain",))
    return Mail(
        recipients,
        str(message["Subject"]),
        str(body.get_content()).replace("\r\n", "\n") if body else "",
        {
            str(part.get_filename()): part.get_content().decode()
            if isinstance(part.get_content(), bytes)
            else str(part.get_content())
            for part in message.iter_attachments()
        },
    )
