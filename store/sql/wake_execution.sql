-- Lets a waiting execution go on under a new owner. $1 execution, uuid; $2 executor, uuid, null:
-- the supervisor chooses one. A dedicated one's executor is started for it.
UPDATE workflow_executions SET status = 'running', waiting_reason = NULL,
    owner_id = CASE WHEN NOT dedicated THEN $2::uuid END,
    epoch = epoch + 1, updated_at = now()
WHERE id = $1 AND status = 'waiting' AND NOT paused
RETURNING id, owner_id
