-- Why an execution is queued, which limit holds it back, and how many of its lane go before it, as
-- far as is counted.
-- $1 execution, uuid; $2 how many a tenant may have in progress, integer, null: any number;
-- $3 how far to count, integer.
SELECT CASE
        WHEN e.status <> 'pending' THEN 'starting'
        WHEN e.paused THEN 'paused'
        WHEN held.by IS NOT NULL THEN 'concurrency'
        ELSE 'capacity' END AS reason,
    held.by AS held_by,
    CASE held.by WHEN 'key' THEN e.key_limit WHEN 'workflow' THEN e.workflow_limit
        WHEN 'organization' THEN $2 END AS at_most,
    (SELECT count(*)::integer FROM (
        SELECT FROM workflow_executions AS q
        WHERE e.status = 'pending' AND q.tenant_id = e.tenant_id AND q.lane = e.lane
            AND q.status = 'pending' AND NOT q.paused
            AND (-q.priority, q.id) < (-e.priority, e.id)
        LIMIT $3) AS b) AS ahead
FROM workflow_executions AS e CROSS JOIN LATERAL (SELECT CASE
    WHEN weft_in_lane(e.lane, e.key_limit) >= e.key_limit THEN 'key'
    WHEN weft_in_workflow(e.workflow_id, e.workflow_limit) >= e.workflow_limit THEN 'workflow'
    WHEN e.parent_execution_id IS NULL AND weft_in_tenant(e.tenant_id, COALESCE($2, 0)) >= $2
        THEN 'organization' END AS by) AS held
WHERE e.id = $1 AND (e.status = 'pending'
    OR e.dedicated AND e.status = 'running' AND e.owner_id IS NULL)
