-- Queues what a failed execution's workflow asks for: to tell a channel, when it has an address,
-- and to start another workflow. An execution that a failure started starts none. $1 executions,
-- uuid[].
WITH failed AS (
    SELECT e.*, w.name AS workflow_name,
        s.document #> '{settings,error_handling}' AS handling
    FROM workflow_executions AS e
    JOIN workflows AS w ON w.tenant_id = e.tenant_id AND w.id = e.workflow_id
    JOIN workflow_specifications AS s
        ON s.tenant_id = e.tenant_id AND s.sha256 = e.specification_sha256
    WHERE e.id = ANY($1) AND e.status = 'failed'
), asked AS (
    SELECT f.*, 'notification' AS kind, f.handling ->> 'notification_channel' AS target
    FROM failed AS f
    WHERE f.handling ->> 'notify_on_failure' = 'true'
        AND f.handling ->> 'notification_channel' ~ '^((slack:)?https?://|mailto:)'
    UNION ALL
    SELECT f.*, 'error_workflow', f.handling ->> 'error_workflow'
    FROM failed AS f
    WHERE f.handling ->> 'error_workflow' <> 'wf_' || replace(f.workflow_id::text, '-', '')
        AND f.triggered_by <> 'error'
)
INSERT INTO webhook_deliveries (id, tenant_id, execution_id, kind, url, body)
SELECT gen_random_uuid(), a.tenant_id, a.id, a.kind, a.target, jsonb_build_object(
    'status', a.status, 'workflow_name', a.workflow_name, 'error_message', a.error_message,
    'error_node_id', a.error_node_id, 'input', a.input_data, 'completed_at', a.completed_at,
    'duration_seconds', a.duration_seconds)
FROM asked AS a
ON CONFLICT (execution_id, kind) DO NOTHING
