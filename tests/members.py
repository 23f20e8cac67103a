"""Further people of an organization, as the databases of tests know them."""

import asyncpg
from uuid_utils.compat import uuid7

from store.accounts import token_sha256
from store.statements import statement


async def add_member(dsn: str, email: str, role: str) -> str:
    """Add a person to the only organization of a database; return a token of theirs."""
    user_id, token = uuid7(), f"weft_{email}"
    connection = await asyncpg.connect(dsn)
    tenant_id = await connection.fetchval("SELECT id FROM organizations")
    await connection.execute(statement("insert_user"), tenant_id, user_id, email, email)
    await connection.execute(statement("insert_member"), tenant_id, tenant_id, user_id, role)
    await connection.execute(
        statement("insert_api_key"), uuid7(), tenant_id, user_id, "key", token_sha256(token)
    )
    await connection.close()
    return token
