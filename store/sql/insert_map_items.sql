-- Writes the results of a chunk's items; a result is recorded once. $1 tenants, uuid[];
-- $2 executions, uuid[]; $3 nodes, text[]; $4 tasks, text[]; $5 indexes, integer[];
-- $6 statuses, text[]; $7 attempts, integer[]; $8 outputs, json text[]; $9 errors, text[].
INSERT INTO execution_map_items (tenant_id, execution_id, node_id, task_id, map_index, status,
    attempt, output_data, error_message)
SELECT t, e, n, k, i, s, a, o::jsonb, x
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[],
            $7::integer[], $8::text[], $9::text[]) AS u (t, e, n, k, i, s, a, o, x)
ON CONFLICT (execution_id, task_id, map_index) DO NOTHING
