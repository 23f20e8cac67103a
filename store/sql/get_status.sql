-- The status of an execution. $1 execution, uuid.
SELECT status FROM workflow_executions WHERE id = $1
