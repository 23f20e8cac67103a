-- Writes attempts; a later state of the same attempt replaces an earlier one. $1 tenants, uuid[];
-- $2 executions, uuid[]; $3 nodes, text[]; $4 tasks, text[]; $5 attempts, integer[];
-- $6 agents, text[]; $7 statuses, text[]; $8 inputs, $9 outputs, $10 metadata, json text[];
-- $11 starts, $12 ends, timestamptz[]; $13 errors, $14 traces, text[]; $15 tokens, $16 calls,
-- bigint[]; $17 costs in USD, float8[].
INSERT INTO execution_node_logs AS l (tenant_id, execution_id, node_id, task_id, attempt,
    agent_name, status, input_data, output_data, metadata, started_at, completed_at,
    duration_seconds, error_message, error_trace, llm_tokens_used, api_calls_made, cost_usd)
SELECT t, e, n, k, a, g, s, i::jsonb, o::jsonb, m::jsonb, b, f,
    extract(epoch FROM f - b), x, y, lt, ac, c
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::integer[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[],
            $12::timestamptz[], $13::text[], $14::text[], $15::bigint[], $16::bigint[],
            $17::float8[]) AS u (t, e, n, k, a, g, s, i, o, m, b, f, x, y, lt, ac, c)
ON CONFLICT (execution_id, node_id, task_id, attempt) DO UPDATE SET
    status = excluded.status, output_data = excluded.output_data, metadata = excluded.metadata,
    input_data = COALESCE(excluded.input_data, l.input_data),
    completed_at = excluded.completed_at,
    duration_seconds = extract(epoch FROM excluded.completed_at - l.started_at),
    error_message = excluded.error_message, error_trace = excluded.error_trace,
    llm_tokens_used = excluded.llm_tokens_used, api_calls_made = excluded.api_calls_made,
    cost_usd = excluded.cost_usd
