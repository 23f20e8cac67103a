-- A tenant's executions that ended so long ago, whatever their workflow says, but those that one in
-- progress has started. $1 tenant, uuid; $2 how long ago, days, float8; $3 how many at most,
-- integer.
(SELECT e.id FROM workflow_executions AS e
 WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
    AND e.expires_at IS NULL AND NOT EXISTS (
        SELECT FROM workflow_executions AS p WHERE p.id = e.parent_execution_id
            AND p.status IN ('pending', 'running', 'waiting'))
 ORDER BY e.completed_at LIMIT $3)
UNION ALL
(SELECT e.id FROM workflow_executions AS e
 WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
    AND e.expires_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM workflow_executions AS p WHERE p.id = e.parent_execution_id
            AND p.status IN ('pending', 'running', 'waiting'))
 ORDER BY e.expires_at LIMIT $3)
LIMIT $3
