-- A page of workflows, the newest first. $1 status, text, null: any; $2 tags that all must be
-- there, text[], null: any; $3 how many, $4 after how many, integer.
SELECT w.id, w.tenant_id, w.name, w.description, w.version, w.status, w.pattern, w.specification,
    w.specification_sha256, w.yaml_text, w.tags, w.created_at, w.updated_at,
    e.executions_count, e.last_executed_at
FROM (
    SELECT * FROM workflows AS p
    WHERE p.deleted_at IS NULL AND ($1::text IS NULL OR p.status = $1)
        AND ($2::text[] IS NULL OR p.tags @> $2)
    ORDER BY p.id DESC LIMIT $3 OFFSET $4
) AS w, LATERAL (
    SELECT count(*)::integer AS executions_count, max(x.created_at) AS last_executed_at
    FROM workflow_executions AS x WHERE x.tenant_id = w.tenant_id AND x.workflow_id = w.id
) AS e
ORDER BY w.id DESC
