-- Writes channel values; a version that is there already is the same value. $1 tenants, uuid[];
-- $2 executions, uuid[]; $3 namespaces, text[]; $4 channels, text[]; $5 versions, text[];
-- $6 values, json text[].
INSERT INTO execution_channel_values
    (tenant_id, execution_id, checkpoint_ns, channel, version, value)
SELECT t, e, n, c, v, j::jsonb
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS u (t, e, n, c, v, j)
ON CONFLICT DO NOTHING
