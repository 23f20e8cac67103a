-- Waiting and queued executions whose timeout has passed. $1 how many at most, integer.
SELECT id, tenant_id FROM workflow_executions
WHERE status IN ('pending', 'waiting') AND deadline_at <= now() ORDER BY deadline_at LIMIT $1
