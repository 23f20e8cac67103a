-- Waits of an execution that were asked for, and what they came to. $1 execution, uuid.
SELECT interrupt_id, status, event, timed_out, payload, ended_at, consumed_at, due_at, node_id
FROM execution_waits WHERE execution_id = $1
