-- The last attempt at each node of an execution, and at each compensation. $1 execution, uuid.
SELECT * FROM (
    SELECT DISTINCT ON (node_id, task_id = 'epilogue:compensate')
        node_id, task_id = 'epilogue:compensate' AS compensates, agent_name, status, attempt,
        input_data, output_data, metadata, started_at, completed_at, duration_seconds,
        error_message, llm_tokens_used, api_calls_made, cost_usd
    FROM execution_node_logs WHERE execution_id = $1
    ORDER BY node_id, task_id = 'epilogue:compensate', started_at DESC, attempt DESC
) AS n ORDER BY n.started_at
