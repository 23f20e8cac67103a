-- What an executor is to drive. $1 executor, uuid.
SELECT id FROM workflow_executions WHERE owner_id = $1 AND status = 'running'
