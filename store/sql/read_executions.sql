-- Executions as people look at them, in no order. $1 tenant, $2 executions, uuid[].
SELECT execution, workflow_name, document, attempts, approvals, maps, children
FROM weft_read_executions($1, $2)
