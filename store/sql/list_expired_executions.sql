-- Executions whose time is over, that nobody is still to be told of and that none in progress has
-- started. $1 how long those are kept whose workflow does not say, days, float8, null: for good;
-- $2 how many at most, integer.
SELECT x.id
FROM organizations AS o
CROSS JOIN LATERAL (
    (SELECT e.id FROM workflow_executions AS e
     WHERE e.tenant_id = o.tenant_id AND e.expires_at < now()
        AND NOT EXISTS (
            SELECT FROM webhook_deliveries AS d
            WHERE d.execution_id = e.id AND d.delivered_at IS NULL AND d.abandoned_at IS NULL)
        AND NOT EXISTS (
            SELECT FROM workflow_executions AS p WHERE p.id = e.parent_execution_id
                AND p.status IN ('pending', 'running', 'waiting'))
     ORDER BY e.expires_at LIMIT $2)
    UNION ALL
    (SELECT e.id FROM workflow_executions AS e
     WHERE e.tenant_id = o.tenant_id AND e.expires_at IS NULL
        AND e.completed_at < now() - make_interval(secs => 86400 * $1::float8)
        AND NOT EXISTS (
            SELECT FROM webhook_deliveries AS d
            WHERE d.execution_id = e.id AND d.delivered_at IS NULL AND d.abandoned_at IS NULL)
        AND NOT EXISTS (
            SELECT FROM workflow_executions AS p WHERE p.id = e.parent_execution_id
                AND p.status IN ('pending', 'running', 'waiting'))
     ORDER BY e.completed_at LIMIT $2)
) AS x
LIMIT $2
