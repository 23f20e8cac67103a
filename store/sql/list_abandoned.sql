-- Executions that have not ended though those that started them have. $1 how many at most, integer.
SELECT c.id, c.tenant_id, c.owner_id FROM workflow_executions AS p
JOIN workflow_executions AS c ON c.parent_execution_id = p.id
    AND c.status IN ('pending', 'running', 'waiting')
WHERE p.abandons AND c.ending IS NULL ORDER BY c.id LIMIT $1
