-- Queues the call that tells the starter how an execution ended. $1 executions, uuid[].
INSERT INTO webhook_deliveries (id, tenant_id, execution_id, url, body)
SELECT gen_random_uuid(), e.tenant_id, e.id, e.webhook_url, jsonb_build_object(
    'status', e.status, 'output', e.output_data, 'error_message', e.error_message,
    'error_node_id', e.error_node_id, 'completed_at', e.completed_at,
    'duration_seconds', e.duration_seconds, 'cost_usd', e.cost_usd)
FROM workflow_executions AS e WHERE e.id = ANY($1) AND e.webhook_url IS NOT NULL
ON CONFLICT (execution_id, kind) DO NOTHING
