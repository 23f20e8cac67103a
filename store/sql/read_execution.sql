-- An execution as people look at it. $1 tenant, $2 execution, uuid.
SELECT execution, workflow_name, document, attempts, approvals, maps, children
FROM weft_read_execution($1, $2)
