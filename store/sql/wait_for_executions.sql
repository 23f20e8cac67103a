-- Locks the executions of a flush that is tried again, in the one order that every multi-row writer
-- uses; waits for those that somebody else holds. $1 ids, uuid[].
SELECT id, epoch, status FROM workflow_executions
WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
