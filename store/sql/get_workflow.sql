-- One workflow. $1 workflow, uuid.
SELECT w.id, w.tenant_id, w.name, w.description, w.version, w.status, w.pattern, w.specification,
    w.specification_sha256, w.yaml_text, w.tags, w.created_at, w.updated_at,
    e.executions_count, e.last_executed_at
FROM workflows AS w, LATERAL (
    SELECT count(*)::integer AS executions_count, max(x.created_at) AS last_executed_at
    FROM workflow_executions AS x WHERE x.tenant_id = w.tenant_id AND x.workflow_id = w.id
) AS e
WHERE w.id = $1 AND w.deleted_at IS NULL
