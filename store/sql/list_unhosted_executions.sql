-- Dedicated executions that go on and have no living executor. $1 how many at most, integer.
SELECT e.id, e.tenant_id, w.name AS workflow_name,
    e.owner_losses + (e.owner_id IS NOT NULL)::integer AS owner_losses
FROM workflow_executions AS e
JOIN workflows AS w ON w.tenant_id = e.tenant_id AND w.id = e.workflow_id
LEFT JOIN executors AS o ON o.id = e.owner_id
WHERE e.dedicated AND e.status = 'running' AND (e.owner_id IS NULL OR o.stopped_at IS NOT NULL)
ORDER BY e.id LIMIT $1
