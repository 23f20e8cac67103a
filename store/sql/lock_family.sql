-- Locks an execution and the one that it was started by, in ascending order. $1 execution, uuid.
SELECT e.id FROM workflow_executions AS e
WHERE e.id = $1 OR e.id = (
    SELECT c.parent_execution_id FROM workflow_executions AS c WHERE c.id = $1)
ORDER BY e.id FOR NO KEY UPDATE
