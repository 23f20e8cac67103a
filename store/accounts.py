"""Organizations, users and their tokens."""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from store.postgres import Pool, connect
from store.statements import statement

TOKEN_PREFIX = "weft_"  # noqa: S105 - a prefix, not a secret


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
