-- One execution. $1 execution, uuid.
SELECT e.*, w.name AS workflow_name, s.document
FROM workflow_executions AS e
JOIN workflows AS w ON w.tenant_id = e.tenant_id AND w.id = e.workflow_id
JOIN workflow_specifications AS s
    ON s.tenant_id = e.tenant_id AND s.sha256 = e.specification_sha256
WHERE e.id = $1
