-- A tenant's executions that ended so long ago, whatever their workflow says. $1 tenant, uuid;
-- $2 how long ago, days, float8; $3 how many at most, integer.
(SELECT e.id FROM workflow_executions AS e
 WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
    AND e.expires_at IS NULL
 ORDER BY e.completed_at LIMIT $3)
UNION ALL
(SELECT e.id FROM workflow_executions AS e
 WHERE e.tenant_id = $1 AND e.completed_at < now() - make_interval(secs => 86400 * $2)
    AND e.expires_at IS NOT NULL
 ORDER BY e.expires_at LIMIT $3)
LIMIT $3
