-- Which of these executions exist. $1 ids, uuid[].
SELECT id FROM workflow_executions WHERE id = ANY($1)
