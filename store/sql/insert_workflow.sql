-- A new workflow. $1 id, $2 tenant, $3 organization, uuid; $4 name, $5 description, $6 version,
-- $7 pattern, text; $8 specification, json text; $9 its SHA-256, $10 YAML, text; $11 tags, text[];
-- $12 user, uuid.
INSERT INTO workflows (id, tenant_id, organization_id, name, description, version, pattern,
    specification, specification_sha256, yaml_text, tags, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12)
