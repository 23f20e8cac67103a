-- The status of an execution, and whether one in progress has started it. $1 execution, uuid.
SELECT e.status, COALESCE(p.status IN ('pending', 'running', 'waiting'), false) AS awaited
FROM workflow_executions AS e LEFT JOIN workflow_executions AS p ON p.id = e.parent_execution_id
WHERE e.id = $1
