-- Locks the executions of a flush, in the one order that every multi-row writer uses; those that
-- somebody else holds are left out and wait for the next flush. $1 ids, uuid[].
SELECT id, epoch, status FROM workflow_executions
WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
