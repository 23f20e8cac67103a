-- A new execution of an active workflow; nothing when its idempotency key is taken. $1 id,
-- $2 tenant, $3 organization, $4 workflow, uuid; $5 specification's SHA-256, text; $6 input, json
-- text; $7 nodes, integer; $8 what triggered it, text; $9 user, uuid; $10 webhook, text;
-- $11 timeout in seconds, float8; $12 idempotency key, $13 request's SHA-256, text; $14 executor,
-- uuid.
INSERT INTO workflow_executions (id, tenant_id, organization_id, workflow_id,
    specification_sha256, input_data, total_nodes, triggered_by, started_by, webhook_url,
    deadline_at, idempotency_key, request_sha256, owner_id, epoch, started_at)
SELECT $1::uuid, $2::uuid, $3::uuid, w.id, $5::text, $6::jsonb, $7::integer, $8::text, $9::uuid,
    $10::text, now() + make_interval(secs => $11::float8), $12::text, $13::text, $14::uuid,
    1, now()
FROM workflows AS w
WHERE w.id = $4 AND w.status = 'active' AND w.deleted_at IS NULL
ON CONFLICT (tenant_id, idempotency_key) DO NOTHING
RETURNING id
