-- Keeps a specification's content for executions to pin. $1 tenant, uuid; $2 SHA-256, text;
-- $3 document, json text.
INSERT INTO workflow_specifications (tenant_id, sha256, document) VALUES ($1, $2, $3::jsonb)
ON CONFLICT DO NOTHING
