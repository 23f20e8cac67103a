-- Moves executions to a new status, from the statuses that may precede it. A waiting execution
-- whose answer came meanwhile stays running. $1 executions, uuid[]; $2 epochs, integer[];
-- $3 statuses, text[]; $4 allowed former statuses, comma-separated text[]; $5 waiting reasons,
-- text[]; $6 outputs, json text[]; $7 errors, text[]; $8 failed nodes, text[].
UPDATE workflow_executions AS e SET
    status = u.status,
    waiting_reason = u.waiting_reason,
    output_data = COALESCE(u.output::jsonb, e.output_data),
    error_message = u.error, error_node_id = u.error_node,
    started_at = COALESCE(e.started_at, now()),
    owner_id = CASE WHEN u.status = 'running' THEN e.owner_id END,
    current_node_id = CASE WHEN u.status = 'running' THEN e.current_node_id END,
    completed_at = CASE WHEN u.status IN ('completed', 'failed', 'cancelled') THEN now() END,
    duration_seconds = CASE WHEN u.status IN ('completed', 'failed', 'cancelled')
        THEN extract(epoch FROM now() - COALESCE(e.started_at, e.created_at)) END,
    updated_at = now()
FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::text[], $8::text[])
    AS u (execution_id, epoch, status, former, waiting_reason, output, error, error_node)
WHERE e.id = u.execution_id AND e.epoch = u.epoch
    AND e.status = ANY(string_to_array(u.former, ','))
    -- A scalar subquery, since EXISTS may be planned as a hash of every answer there is.
    AND (u.status <> 'waiting' OR (
        SELECT a.id FROM execution_approvals AS a
        WHERE a.execution_id = e.id AND a.status = 'decided' AND a.consumed_at IS NULL
        LIMIT 1) IS NULL)
RETURNING e.id
