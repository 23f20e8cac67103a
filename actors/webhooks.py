"""Telling the starter how an execution ended: signed calls, repeated until they arrive.

Signed as the Standard Webhooks specification 1.0 says: headers `webhook-id`, `webhook-timestamp`
and `webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`. A tenant's key is
derived from the platform's, so no secret is stored.
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

from agents.errors import AgentError
from agents.services import Services
from store.json_values import clean_text, loads
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
        services: Its HTTP client goes through the egress guard.
        platform_key: What tenants' keys are derived from.
    """

    def __init__(self, pool: Pool, services: Services, platform_key: bytes) -> None:
        self._pool = pool
        self._services = services
        self._platform_key = platform_key

    async def deliver_due(self) -> None:
        """Deliver what is due, one attempt each, side by side: a slow receiver delays no other.

        A delivery whose outcome cannot be written becomes due again.
        """
        rows = await self._pool.fetch(statement("claim_webhook_deliveries"), TIMEOUT_SECONDS)
        async with asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(self._attempt(row))

    async def _attempt(self, row: Any) -> None:
        error = await self._deliver(row)
        try:
            await self._settle(row, error)
        except UNREACHABLE as away:
            log.warning("webhook.not_settled", delivery=str(row["id"]), error=repr(away))

    async def _settle(self, row: Any, error: str | None) -> None:
        if error is None:
            await self._pool.execute(statement("finish_webhook_delivery"), row["id"])
            return
        log.warning("webhook.failed", delivery=str(row["id"]), error=error)
        await self._pool.execute(
            statement("postpone_webhook_delivery"),
            row["id"], clean_text(error), delay_seconds(row["attempts"]), ATTEMPTS_LIMIT,
        )  # fmt: skip

    async def _deliver(self, row: Any) -> str | None:
        """Make one call; return why it failed, or None."""
        body = orjson.dumps(
            {
                "type": f"workflow_{loads(row['body'])['status']}",
                "execution_id": f"exec_{row['execution_id'].hex}",
                "workflow_id": f"wf_{row['workflow_id'].hex}",
                **loads(row["body"]),
            }
        )
        message_id, timestamp = f"evt_{row['id'].hex}", int(time.time())
        key = tenant_key(self._platform_key, row["tenant_id"])
        client = await self._services.http()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await client.post(
                    row["url"],
                    content=body,
                    headers={
                        "content-type": "application/json",
                        "webhook-id": message_id,
                        "webhook-timestamp": str(timestamp),
                        "webhook-signature": signature(key, message_id, timestamp, body),
                    },
                )
        except TimeoutError:
            return f"No answer within {TIMEOUT_SECONDS:g} s."
        except (AgentError, OSError) as error:
            return str(error) or type(error).__name__
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.is_success else f"HTTP {answer.status_code}"
