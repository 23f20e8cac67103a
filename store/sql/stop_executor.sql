-- Ends a lease in good order and gives back what it still owns, which is no loss of an owner.
-- $1 executor, uuid.
WITH owned AS (
    SELECT id FROM workflow_executions
    WHERE owner_id = $1 AND status = 'running' ORDER BY id FOR NO KEY UPDATE
), released AS (
    UPDATE workflow_executions AS e SET owner_id = NULL FROM owned WHERE e.id = owned.id
)
UPDATE executors SET stopped_at = now() WHERE id = $1 AND stopped_at IS NULL
