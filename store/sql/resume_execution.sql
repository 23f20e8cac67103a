-- Lets a paused execution go on. $1 execution, uuid; $2 executor, uuid, null: the supervisor
-- chooses one.
UPDATE workflow_executions SET paused = false, updated_at = now(), waiting_reason = NULL,
    owner_id = CASE WHEN status <> 'waiting' THEN owner_id WHEN NOT dedicated THEN $2::uuid END,
    epoch = epoch + CASE WHEN status = 'waiting' THEN 1 ELSE 0 END,
    status = CASE WHEN status = 'waiting' THEN 'running' ELSE status END
WHERE id = $1 AND paused AND status IN ('pending', 'running', 'waiting')
RETURNING status, owner_id, epoch
