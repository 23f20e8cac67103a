-- Asks people; asking again is the same question. $1 tenants, uuid[]; $2 executions, uuid[];
-- $3 ids, uuid[]; $4 interrupts, text[]; $5 nodes, text[]; $6 messages, text[]; $7 types, text[];
-- $8 options, json text[]; $9 timeouts in seconds, float8[]; $10 answers on timeout, text[].
INSERT INTO execution_approvals (tenant_id, execution_id, id, interrupt_id, node_id, message,
    approval_type, options, expires_at, on_timeout)
SELECT t, e, i, r, n, m, y, o::jsonb, now() + make_interval(secs => s), w
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::float8[], $10::text[]) AS u (t, e, i, r, n, m, y, o, s, w)
ON CONFLICT (execution_id, interrupt_id) DO NOTHING
