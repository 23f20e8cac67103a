"""What language models were asked to read texts with: one row a model, nothing of the texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from store.postgres import Pool, tenant_transaction
from store.statements import statement

BATCH_ROWS = 5000
"""How many rows are deleted in one statement."""


@dataclass(frozen=True, slots=True)
class ParserCall:
    """One model that was asked."""

    model: str
    outcome: str
    rounds: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    duration_ms: float


async def record_parser_calls(
    pool: Pool, tenant_id: UUID, user_id: UUID, kind: str, calls: Sequence[ParserCall]
) -> None:
    """Write the models that were asked to read one text; repeating it writes them again.

    Args:
        pool: A pool of role weft_api.
        tenant_id: Whose text it was.
        user_id: Who sent it.
        kind: `create` or `edit`.
        calls: In the order in which they were made.
    """
    async with tenant_transaction(pool, tenant_id) as connection:
        await connection.execute(
            statement("insert_parser_calls"), tenant_id, user_id, kind,
            [call.model for call in calls],
            [call.outcome for call in calls],
            [call.rounds for call in calls],
            [call.input_tokens for call in calls],
            [call.output_tokens for call in calls],
            [call.cost_usd for call in calls],
            [call.duration_ms for call in calls],
        )  # fmt: skip


async def delete_old_parser_calls(pool: Pool, days: float) -> int:
    """Delete a batch of calls older than so many days; return how many.

    Args:
        pool: A pool of role weft_engine.
        days: How long they are kept.
    """
    return len(await pool.fetch(statement("delete_old_parser_calls"), days, BATCH_ROWS))
