-- Lets a waiting execution go on under a new owner. $1 execution, uuid; $2 executor, uuid, null:
-- the supervisor chooses one.
UPDATE workflow_executions SET status = 'running', waiting_reason = NULL, owner_id = $2,
    epoch = epoch + 1, updated_at = now()
WHERE id = $1 AND status = 'waiting' AND NOT paused
RETURNING id
