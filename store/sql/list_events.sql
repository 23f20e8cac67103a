-- An execution's events. $1 execution, uuid; $2 after this number, bigint; $3 how many, integer.
SELECT tenant_id, execution_id, seq, event_id, event_type, node_id, payload, created_at
FROM execution_events WHERE execution_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
