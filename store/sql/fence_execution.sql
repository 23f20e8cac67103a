-- Takes an execution from its owner, which can write nothing more. $1 execution, uuid.
UPDATE workflow_executions SET epoch = epoch + 1, owner_id = NULL, updated_at = now()
WHERE id = $1 AND status IN ('pending', 'running', 'waiting')
RETURNING tenant_id, epoch
