-- Lets a waiting execution go on under a new owner, if something that it waits for has come.
-- $1 execution, uuid; $2 executor, uuid, null: the supervisor chooses one. A dedicated one's
-- executor is started for it.
UPDATE workflow_executions SET status = 'running', waiting_reason = NULL,
    owner_id = CASE WHEN NOT dedicated THEN $2::uuid END,
    epoch = epoch + 1, updated_at = now()
WHERE id = $1 AND status = 'waiting' AND NOT paused
    AND cardinality(weft_answered(ARRAY[$1::uuid])) > 0
RETURNING id, owner_id
