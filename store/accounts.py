"""Organizations, users and their tokens."""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from store.postgres import Pool, connect
from store.statements import statement

TOKEN_PREFIX = "weft_"  # noqa: S105 - a prefix, not a secret
KEPT_PRINCIPALS = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a request."""

    tenant_id: UUID
    organization_id: UUID
    organization_name: str
    user_id: UUID
    email: str
    user_name: str
    role: str


def token_sha256(token: str) -> bytes:
    """Return what is stored of a token: 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8")).digest()


async def authenticate(pool: Pool, token: str) -> Principal | None:
    """Return whose token it is; None for a wrong or revoked one."""
    row = await pool.fetchrow(statement("authenticate"), token_sha256(token))
    return Principal(**row) if row else None


class Principals:
    """Remembers for a moment whose token it was.

    Args:
        pool: Any pool; the question is asked before a tenant is known.
        kept_seconds: How long an answer counts, and so how long a revoked token may still work.
    """

    def __init__(self, pool: Pool, kept_seconds: float = 1.0) -> None:
        self._pool = pool
        self._kept_seconds = kept_seconds
        self._kept: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    async def get(self, token: str) -> Principal | None:
        """Return whose token it is; None for a wrong or revoked one."""
        key = token_sha256(token)
        now = time.monotonic()
        if (kept := self._kept.get(key)) and now - kept[0] <= self._kept_seconds:
            return kept[1]
        self._kept.pop(key, None)
        principal = await authenticate(self._pool, token)
        if principal is not None:
            self._kept[key] = (now, principal)
            if len(self._kept) > KEPT_PRINCIPALS:
                self._kept.popitem(last=False)
        return principal


async def create_account(dsn: str, organization: str, email: str, name: str) -> str:
    """Create an organization with its owner and a token.

    Args:
        dsn: A login that may take the role weft_owner.
        organization: The organization's name.
        email: The owner's address.
        name: The owner's name.

    Returns:
        The token; only its SHA-256 is stored.
    """
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    tenant_id, user_id = uuid7(), uuid7()
    connection = await connect(dsn, "weft_owner")
    try:
        async with connection.transaction():
            await connection.execute(statement("insert_organization"), tenant_id, organization)
            await connection.execute(statement("insert_user"), tenant_id, user_id, email, name)
            await connection.execute(
                statement("insert_member"), tenant_id, tenant_id, user_id, "owner"
            )
            await connection.execute(
                statement("insert_api_key"), uuid7(), tenant_id, user_id, "first key",
                token_sha256(token),
            )  # fmt: skip
    finally:
        await connection.close()
    return token


async def token_is_known(dsn: str, token: str) -> bool:
    """Whether this database knows a token."""
    connection = await connect(dsn, "weft_owner")
    try:
        return await connection.fetchrow(statement("authenticate"), token_sha256(token)) is not None
    finally:
        await connection.close()
