-- One checkpoint, then its ancestors up to a snapshot that is whole. $1 execution, uuid;
-- $2 namespace, text; $3 checkpoint id, text, null: the latest.
WITH RECURSIVE line AS (
    (SELECT tenant_id, checkpoint_id, parent_checkpoint_id, state_snapshot, metadata,
        0 AS distance
     FROM execution_checkpoints
     WHERE execution_id = $1 AND checkpoint_ns = $2 AND ($3::text IS NULL OR checkpoint_id = $3)
     -- By its number: its id is of its writer's clock.
     ORDER BY checkpoint_number DESC LIMIT 1)
    UNION ALL
    SELECT c.tenant_id, c.checkpoint_id, c.parent_checkpoint_id, c.state_snapshot, c.metadata,
        l.distance + 1
    FROM line AS l JOIN execution_checkpoints AS c
        ON c.execution_id = $1 AND c.checkpoint_ns = $2
        AND c.checkpoint_id = l.parent_checkpoint_id
    WHERE l.state_snapshot ? '$delta'
)
SELECT tenant_id, checkpoint_id, parent_checkpoint_id, state_snapshot, metadata
FROM line ORDER BY distance
