-- Every attempt at every node of an execution, in time order. $1 execution, uuid.
SELECT node_id, task_id = 'epilogue:compensate' AS compensates, agent_name, status, attempt,
    input_data, output_data, metadata, started_at, completed_at, duration_seconds, error_message,
    error_trace, llm_tokens_used, api_calls_made, cost_usd
FROM execution_node_logs WHERE execution_id = $1 ORDER BY started_at, node_id, attempt
