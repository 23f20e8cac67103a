-- A version of a workflow; no row when there is one of that number. $1 tenant, $2 workflow, uuid;
-- $3 version, $4 state, $5 the version it was made of, text; $6 specification, json text; $7 its
-- SHA-256, $8 YAML, $9 summary, text; $10 user, uuid.
INSERT INTO workflow_versions (tenant_id, workflow_id, version, state, base_version,
    specification, specification_sha256, yaml_text, summary, created_by)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9, $10)
ON CONFLICT DO NOTHING
RETURNING version
