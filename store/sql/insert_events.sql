-- Writes events and numbers them per execution, in the order given. $1 tenants, uuid[];
-- $2 executions, uuid[]; $3 event ids, uuid[]; $4 types, text[]; $5 nodes, text[];
-- $6 payloads, json text[].
WITH fresh AS (
    SELECT u.*, row_number() OVER (PARTITION BY u.execution_id ORDER BY u.place) AS position
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[])
        WITH ORDINALITY
        AS u (tenant_id, execution_id, event_id, event_type, node_id, payload, place)
), counted AS (
    UPDATE workflow_executions AS e SET last_event_seq = e.last_event_seq + n.amount
    FROM (SELECT execution_id, count(*) AS amount FROM fresh GROUP BY execution_id) AS n
    WHERE e.id = n.execution_id
    RETURNING e.id, e.last_event_seq - n.amount AS base
)
INSERT INTO execution_events
    (tenant_id, execution_id, seq, event_id, event_type, node_id, payload)
SELECT f.tenant_id, f.execution_id, c.base + f.position, f.event_id, f.event_type, f.node_id,
    f.payload::jsonb
FROM fresh AS f JOIN counted AS c ON c.id = f.execution_id
RETURNING tenant_id, execution_id, seq, event_id, event_type, node_id, payload, created_at
