-- How many of a tenant's executions ended so long ago, but those that one in progress has started.
-- $1 tenant, uuid; $2 how long ago, days, float8.
SELECT
    (SELECT count(*) FROM workflow_executions AS e
     WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
        AND e.expires_at IS NULL AND NOT EXISTS (
            SELECT FROM workflow_executions AS p WHERE p.id = e.parent_execution_id
                AND p.status IN ('pending', 'running', 'waiting')))
    + (SELECT count(*) FROM workflow_executions AS e
       WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
          AND e.expires_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM workflow_executions AS p WHERE p.id = e.parent_execution_id
                AND p.status IN ('pending', 'running', 'waiting')))
