-- Writes checkpoints and numbers them per execution. $1 tenants, uuid[]; $2 executions, uuid[];
-- $3 namespaces, text[]; $4 checkpoint ids, text[]; $5 parents, text[]; $6 nodes, text[];
-- $7 snapshots, json text[]; $8 metadata, json text[]; $9 epochs, integer[].
WITH fresh AS (
    SELECT u.*, row_number() OVER (PARTITION BY u.execution_id ORDER BY u.place) AS position
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
                $7::text[], $8::text[], $9::integer[]) WITH ORDINALITY
        AS u (tenant_id, execution_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id,
              node_id, state_snapshot, metadata, epoch, place)
), counted AS (
    UPDATE workflow_executions AS e
    SET last_checkpoint_number = e.last_checkpoint_number + n.amount
    FROM (SELECT execution_id, count(*) AS amount FROM fresh GROUP BY execution_id) AS n
    WHERE e.id = n.execution_id
    RETURNING e.id, e.last_checkpoint_number - n.amount AS base
)
INSERT INTO execution_checkpoints (tenant_id, execution_id, checkpoint_number, checkpoint_ns,
    checkpoint_id, parent_checkpoint_id, node_id, state_snapshot, metadata, epoch)
SELECT f.tenant_id, f.execution_id, c.base + f.position, f.checkpoint_ns, f.checkpoint_id,
    f.parent_checkpoint_id, f.node_id, f.state_snapshot::jsonb, f.metadata::jsonb, f.epoch
FROM fresh AS f JOIN counted AS c ON c.id = f.execution_id
ON CONFLICT (execution_id, checkpoint_ns, checkpoint_id)
DO UPDATE SET state_snapshot = excluded.state_snapshot, metadata = excluded.metadata
