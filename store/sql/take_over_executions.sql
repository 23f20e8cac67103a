-- Gives running executions without a living owner to executors in turn; the epoch moves, so that
-- the old owner can write nothing more. What is queued is no orphan, and a dedicated one's executor
-- is started for it. $1 executors, uuid[]: one that has been stopped meanwhile or drains is passed
-- over; $2 how many at most, integer.
WITH heirs AS (
    SELECT array_agg(h.id ORDER BY h.id) AS ids FROM executors AS h
    WHERE h.id = ANY($1::uuid[]) AND h.stopped_at IS NULL AND NOT h.draining
), orphans AS (
    SELECT e.id, row_number() OVER (ORDER BY e.id) AS place
    FROM (
        SELECT x.id FROM workflow_executions AS x
        LEFT JOIN executors AS o ON o.id = x.owner_id
        WHERE x.status = 'running' AND NOT x.dedicated
            AND (x.owner_id IS NULL OR o.stopped_at IS NOT NULL)
        ORDER BY x.id LIMIT $2 FOR NO KEY UPDATE OF x SKIP LOCKED
    ) AS e
)
UPDATE workflow_executions AS e SET
    owner_losses = e.owner_losses + CASE WHEN e.owner_id IS NULL THEN 0 ELSE 1 END,
    owner_id = heirs.ids[1 + (orphans.place % cardinality(heirs.ids))],
    epoch = e.epoch + 1, updated_at = now()
FROM orphans, heirs WHERE e.id = orphans.id AND heirs.ids IS NOT NULL
RETURNING e.id, e.owner_id, e.tenant_id, e.epoch, e.owner_losses
