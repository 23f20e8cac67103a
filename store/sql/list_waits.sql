-- Waits of an execution's nodes, in the order in which they began, and what they came to.
-- $1 execution, uuid.
SELECT interrupt_id, kind, status, event, timed_out, payload, ended_at, consumed_at, due_at,
    node_id, task_id
FROM execution_waits WHERE execution_id = $1 AND part_of IS NULL ORDER BY requested_at
