-- Writes what tasks of an unfinished superstep wrote. $1 tenants, uuid[]; $2 executions, uuid[];
-- $3 namespaces, text[]; $4 checkpoint ids, text[]; $5 tasks, text[]; $6 task paths, text[];
-- $7 positions, integer[]; $8 channels, text[]; $9 values, json text[].
INSERT INTO execution_writes (tenant_id, execution_id, checkpoint_ns, checkpoint_id, task_id,
    task_path, position, channel, value)
SELECT t, e, n, c, k, p, i, h, j::jsonb
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::integer[], $8::text[], $9::text[]) AS u (t, e, n, c, k, p, i, h, j)
ON CONFLICT (execution_id, checkpoint_ns, checkpoint_id, task_id, position)
DO UPDATE SET channel = excluded.channel, value = excluded.value
