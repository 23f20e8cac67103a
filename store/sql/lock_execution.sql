-- Locks one execution. $1 execution, uuid.
SELECT id, tenant_id, status, epoch, owner_id FROM workflow_executions
WHERE id = $1 FOR NO KEY UPDATE
