-- Marks an execution as paused; one that waits stands from now on. $1 execution, uuid.
UPDATE workflow_executions SET paused = true, pauses = pauses + 1, updated_at = now(),
    waiting_reason = CASE WHEN status = 'waiting' THEN 'paused' END
WHERE id = $1 AND status IN ('pending', 'running', 'waiting')
RETURNING status, owner_id, epoch
