-- A page of an execution's checkpoints, the first first, each with the node that had ended last.
-- $1 execution, uuid; $2 how many, $3 after how many, integer.
SELECT c.checkpoint_number, c.checkpoint_id, c.checkpoint_ns, c.event_seq, c.created_at,
    last.node_id
FROM execution_checkpoints AS c
LEFT JOIN LATERAL (
    SELECT e.node_id FROM execution_events AS e
    WHERE e.execution_id = $1 AND e.seq <= c.event_seq
        AND e.event_type IN ('node_completed', 'node_failed')
    ORDER BY e.seq DESC LIMIT 1
) AS last ON true
WHERE c.execution_id = $1 ORDER BY c.checkpoint_number LIMIT $2 OFFSET $3
