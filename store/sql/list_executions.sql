-- A page of executions, the newest first. $1 workflow, uuid, null: any; $2 status, text, null: any;
-- $3 how many, $4 after how many, integer; $5 the execution that started them, uuid, null: any.
SELECT e.id, e.workflow_id, w.name AS workflow_name, e.workflow_version, e.status,
    e.waiting_reason, e.total_nodes, e.completed_nodes, e.failed_nodes, e.current_node_id,
    e.started_at, e.completed_at, e.duration_seconds, e.cost_usd, e.created_at, e.error_message,
    e.parent_execution_id, e.parent_node_id, e.parent_map_index, e.origin_execution_id,
    e.origin_kind, e.origin_node_id, e.origin_checkpoint_number
FROM workflow_executions AS e
JOIN workflows AS w ON w.tenant_id = e.tenant_id AND w.id = e.workflow_id
WHERE ($1::uuid IS NULL OR e.workflow_id = $1) AND ($2::text IS NULL OR e.status = $2)
    AND ($5::uuid IS NULL OR e.parent_execution_id = $5)
ORDER BY e.id DESC LIMIT $3 OFFSET $4
