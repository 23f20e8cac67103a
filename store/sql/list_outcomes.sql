-- What became of an execution's nodes and compensations, in the order in which it was recorded,
-- with a node's last visit that ended so, and its output. $1 execution, uuid.
SELECT e.event_type, e.node_id, e.payload ->> 'then' AS follows,
    e.payload ->> 'error_message' AS error_message, l.task_id, l.output_data
FROM execution_events AS e
LEFT JOIN LATERAL (
    SELECT x.task_id, x.output_data FROM execution_node_logs AS x
    WHERE x.execution_id = $1 AND x.node_id = e.node_id
        AND x.status = CASE e.event_type WHEN 'node_completed' THEN 'completed' ELSE 'failed' END
        AND x.task_id <> 'epilogue:compensate'
    ORDER BY x.completed_at DESC LIMIT 1
) AS l ON e.event_type IN ('node_completed', 'node_failed')
WHERE e.execution_id = $1 AND e.event_type IN
    ('node_completed', 'node_failed', 'compensation_completed', 'compensation_failed')
ORDER BY e.seq
