-- Takes the deliveries that are due; one that is not settled becomes due again after its timeout.
-- $1 timeout of a call in seconds, float8.
UPDATE webhook_deliveries AS d SET attempts = d.attempts + 1,
    next_attempt_at = now() + make_interval(secs => 2 * $1)
FROM (
    SELECT w.id FROM webhook_deliveries AS w
    WHERE w.delivered_at IS NULL AND w.abandoned_at IS NULL AND w.next_attempt_at <= now()
    ORDER BY w.id LIMIT 20 FOR UPDATE SKIP LOCKED
) AS due, workflow_executions AS e
WHERE d.id = due.id AND e.id = d.execution_id
RETURNING d.id, d.tenant_id, d.execution_id, d.kind, d.url, d.body, d.attempts, e.workflow_id,
    e.organization_id, e.started_by
