-- Executions of a workflow that have not ended. $1 workflow, uuid.
SELECT count(*)::integer FROM workflow_executions
WHERE workflow_id = $1 AND status IN ('pending', 'running', 'waiting')
