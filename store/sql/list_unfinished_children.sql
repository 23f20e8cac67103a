-- Executions that one started and that have neither ended nor begun to. $1 parent, uuid.
SELECT id, owner_id FROM workflow_executions
WHERE parent_execution_id = $1 AND status IN ('pending', 'running', 'waiting') AND ending IS NULL
ORDER BY id
