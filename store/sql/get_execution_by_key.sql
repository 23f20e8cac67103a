-- The execution that an idempotency key started. $1 tenant, uuid; $2 key, text.
SELECT id, request_sha256, owner_id FROM workflow_executions
WHERE tenant_id = $1 AND idempotency_key = $2
