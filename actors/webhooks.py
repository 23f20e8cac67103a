"""Telling others how an execution ended: deliveries, repeated until they arrive.

The starter's webhook is called, a failure's channel is told, a failure's workflow is started: each
is a row that is written with the end itself and settled here.

Calls are signed as the Standard Webhooks specification 1.0 says: headers `webhook-id`,
`webhook-timestamp` and `webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`. A
tenant's key is derived from the platform's, so no secret is stored.
"""

import asyncio
import base64
import hashlib
import hmac
import time
from typing import Any
from uuid import UUID

import orjson
import structlog

from actors.error_workflow import start_error_workflow
from actors.notifications import MAIL, SLACK, notification_body, send_mail
from agents.bound import reaching
from agents.errors import AgentError
from agents.services import Services
from store.egress import EgressLists
from store.json_values import clean_text, loads
from store.live import LiveView
from store.postgres import UNREACHABLE, Pool
from store.statements import statement

log = structlog.get_logger(__name__)

ATTEMPTS_LIMIT = 8
FIRST_DELAY_SECONDS = 2.0
TIMEOUT_SECONDS = 15.0


def tenant_key(platform_key: bytes, tenant_id: UUID) -> bytes:
    """Return the 32 bytes with which a tenant's webhooks are signed."""
    return hmac.digest(platform_key, b"webhook:" + tenant_id.bytes, "sha256")


def signing_secret(platform_key: bytes, tenant_id: UUID) -> str:
    """Return a tenant's key as its receivers write it: `whsec_` and base64."""
    return "whsec_" + base64.b64encode(tenant_key(platform_key, tenant_id)).decode("ascii")


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature header of a message."""
    signed = f"{message_id}.{timestamp}.".encode("ascii") + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


def delay_seconds(attempts: int) -> float:
    """Return how long to wait after so many failed attempts: 2 s, then four times as long each."""
    return FIRST_DELAY_SECONDS * 4.0 ** (attempts - 1)


class WebhookSender:
    """Delivers what is due.

    Args:
        pool: A pool of role weft_engine.
        live: Told of the executions that it starts.
        services: Its HTTP client goes through the egress guard.
        platform_key: What tenants' keys are derived from.
    """

    def __init__(self, pool: Pool, live: LiveView, services: Services, platform_key: bytes) -> None:
        self._pool = pool
        self._live = live
        self._services = services
        self._platform_key = platform_key
        self._lists = EgressLists(pool.acquire)

    async def deliver_due(self) -> None:
        """Deliver what is due, one attempt each, side by side: a slow receiver delays no other.

        A delivery whose outcome cannot be written becomes due again.
        """
        rows = await self._pool.fetch(statement("claim_webhook_deliveries"), TIMEOUT_SECONDS)
        async with asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(self._attempt(row))

    async def _attempt(self, row: Any) -> None:
        error, attempts_limit = None, ATTEMPTS_LIMIT
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                with reaching(await self._lists.hosts(row["tenant_id"])):
                    await self._deliver(row)
        except TimeoutError:
            error = f"No answer within {TIMEOUT_SECONDS:g} s."
        except UNREACHABLE as away:
            error = str(away) or type(away).__name__
        except AgentError as refused:
            error = str(refused)
            if row["kind"] == "error_workflow" and not refused.retryable:
                attempts_limit = 0
        except Exception as failed:
            error = f"{type(failed).__name__}: {failed}"
        try:
            await self._settle(row, error, attempts_limit)
        except UNREACHABLE as away:
            log.warning("webhook.not_settled", delivery=str(row["id"]), error=repr(away))

    async def _settle(self, row: Any, error: str | None, attempts_limit: int) -> None:
        if error is None:
            await self._pool.execute(statement("finish_webhook_delivery"), row["id"])
            return
        log.warning("webhook.failed", delivery=str(row["id"]), kind=row["kind"], error=error)
        await self._pool.execute(
            statement("postpone_webhook_delivery"),
            row["id"], clean_text(error), delay_seconds(row["attempts"]), attempts_limit,
        )  # fmt: skip

    async def _deliver(self, row: Any) -> None:
        """Make one attempt.

        Raises:
            Exception: It did not arrive.
        """
        if row["kind"] == "error_workflow":
            await start_error_workflow(self._pool, self._live, row)
        elif row["url"].startswith(MAIL):
            await send_mail(self._services, row)
        elif row["url"].startswith(SLACK):
            await self._call(row, row["url"].removeprefix(SLACK), notification_body(row))
        else:
            told = notification_body(row) if row["kind"] == "notification" else loads(row["body"])
            document = {
                "type": f"workflow_{told['status']}",
                "execution_id": f"exec_{row['execution_id'].hex}",
                "workflow_id": f"wf_{row['workflow_id'].hex}",
                **told,
            }
            await self._call(row, row["url"], document)

    async def _call(self, row: Any, url: str, document: dict[str, Any]) -> None:
        body = orjson.dumps(document)
        message_id, timestamp = f"evt_{row['id'].hex}", int(time.time())
        key = tenant_key(self._platform_key, row["tenant_id"])
        client = await self._services.http()
        headers = {
            "content-type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(key, message_id, timestamp, body),
        }
        # Of the answer only its status counts; its body may have no end.
        async with client.stream("POST", url, content=body, headers=headers) as answer:
            if not answer.is_success:
                raise AgentError(f"HTTP {answer.status_code}")
