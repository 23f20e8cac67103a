"""Telling the starter how an execution ended: signed calls, repeated until they arrive.

Signed as the Standard Webhooks specification 1.0 says: headers `webhook-id`, `webhook-timestamp`
and `webhook-signature: v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`. A tenant's key is
derived from the platform's, so no secret is stored.
"""

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
from store.json_values import loads
from store.postgres import Pool
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
        """Deliver every call that is due, one attempt each."""
        for row in await self._pool.fetch(statement("claim_webhook_deliveries"), TIMEOUT_SECONDS):
            error = await self._deliver(row)
            if error is None:
                await self._pool.execute(statement("finish_webhook_delivery"), row["id"])
                continue
            log.warning("webhook.failed", delivery=str(row["id"]), error=error)
            delay = FIRST_DELAY_SECONDS * 4 ** (row["attempts"] - 1)
            await self._pool.execute(
                statement("postpone_webhook_delivery"), row["id"], error, delay, ATTEMPTS_LIMIT
            )

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
            answer = await client.post(
                row["url"],
                content=body,
                headers={
                    "content-type": "application/json",
                    "webhook-id": message_id,
                    "webhook-timestamp": str(timestamp),
                    "webhook-signature": signature(key, message_id, timestamp, body),
                },
                timeout=TIMEOUT_SECONDS,
            )
        except (AgentError, OSError, TimeoutError) as error:
            return str(error) or type(error).__name__
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.is_success else f"HTTP {answer.status_code}"
