"""What each role may do, and may not."""

import pytest
from asyncpg import exceptions

from store.postgres import Role
from tests.factories import Connect

ENGINE_MAY_NOT = [
    "SELECT * FROM api_keys",
    "SELECT * FROM organization_members",
    "SELECT created_at FROM users",
    "INSERT INTO users (id, tenant_id, email, name) SELECT id, tenant_id, 'x', 'x' FROM users",
    "UPDATE users SET email = 'x'",
    "UPDATE workflows SET name = 'x'",
    "INSERT INTO workflow_specifications VALUES (gen_random_uuid(), 'x', '{}')",
    "SELECT * FROM weft_authenticate('x')",
    "SELECT * FROM schema_migrations",
    "UPDATE secrets SET hosts = '{elsewhere.example}'",
    "DELETE FROM secrets",
    "CREATE TABLE mine (n integer)",
    "ALTER TABLE workflow_executions DISABLE ROW LEVEL SECURITY",
]
API_MAY_NOT = [
    "SELECT token_sha256 FROM api_keys",
    "SELECT ciphertext FROM secrets",
    "SELECT wrapped_key FROM secrets",
    "INSERT INTO execution_node_logs (execution_id) VALUES (gen_random_uuid())",
    "UPDATE execution_node_logs SET status = 'completed'",
    "SELECT * FROM execution_channel_values",
    "SELECT * FROM execution_writes",
    "INSERT INTO execution_checkpoints (execution_id) VALUES (gen_random_uuid())",
    "INSERT INTO execution_map_items (execution_id) VALUES (gen_random_uuid())",
    "UPDATE execution_events SET payload = '{}'",
    "DELETE FROM execution_events",
    "DELETE FROM workflow_executions",
    "DELETE FROM workflows",
    "UPDATE executors SET stopped_at = now()",
    "UPDATE organizations SET name = 'x'",
    "UPDATE users SET email = 'x'",
    "UPDATE organization_members SET role = 'owner'",
    "UPDATE webhook_deliveries SET url = 'http://elsewhere.example'",
    "UPDATE workflow_specifications SET document = '{}'",
    "CREATE TABLE mine (n integer)",
    "DROP POLICY tenant_isolation ON workflows",
]


@pytest.mark.requirement("NFR-4.1")
@pytest.mark.parametrize(
    ("role", "forbidden"), [("weft_engine", ENGINE_MAY_NOT), ("weft_api", API_MAY_NOT)]
)
async def test_role_may_not(role: Role, forbidden: list[str], shared: Connect) -> None:
    """The engine has no right to keys and roles; the API cannot rewrite what was recorded."""
    connection = await shared(role)
    allowed = []
    for sql in forbidden:
        try:
            await connection.execute(sql)
        except exceptions.InsufficientPrivilegeError:
            continue
        allowed.append(sql)
    assert allowed == []


async def test_engine_reads_who_started_an_execution(shared: Connect) -> None:
    """`{user.email}` and `{user.name}` are all it sees of a user."""
    engine = await shared("weft_engine")
    assert await engine.fetch("SELECT id, tenant_id, email, name FROM users") == []
