-- Which nodes of an execution began, ended and were undone, in order. $1 execution, uuid.
SELECT seq, event_type, node_id, payload ->> 'then' AS follows FROM execution_events
WHERE execution_id = $1 AND event_type IN
    ('node_started', 'node_completed', 'node_failed', 'compensation_completed')
ORDER BY seq
