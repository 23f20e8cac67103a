-- How many of a tenant's executions ended so long ago. $1 tenant, uuid; $2 how long ago, days,
-- float8.
SELECT
    (SELECT count(*) FROM workflow_executions AS e
     WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
        AND e.expires_at IS NULL)
    + (SELECT count(*) FROM workflow_executions AS e
       WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
          AND e.expires_at IS NOT NULL)
