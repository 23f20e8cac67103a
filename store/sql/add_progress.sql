-- Adds what attempts did to their executions. $1 executions, uuid[]; $2 completed, $3 failed,
-- $4 retried nodes, integer[]; $5 tokens, $6 calls, bigint[]; $7 costs in USD, float8[];
-- $8 current nodes, text[], null: unchanged.
UPDATE workflow_executions AS e SET
    completed_nodes = e.completed_nodes + u.completed, failed_nodes = e.failed_nodes + u.failed,
    retry_count = e.retry_count + u.retried, llm_tokens_used = e.llm_tokens_used + u.tokens,
    api_calls_made = e.api_calls_made + u.calls, cost_usd = e.cost_usd + u.cost,
    -- Work got done, so earlier deaths of owners were not this execution's fault.
    owner_losses = CASE WHEN u.completed > 0 THEN 0 ELSE e.owner_losses END,
    current_node_id = COALESCE(u.current_node, e.current_node_id), updated_at = now()
FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::integer[], $5::bigint[], $6::bigint[],
            $7::float8[], $8::text[])
    AS u (execution_id, completed, failed, retried, tokens, calls, cost, current_node)
WHERE e.id = u.execution_id
