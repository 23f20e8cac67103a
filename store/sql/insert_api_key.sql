-- A new token. $1 id, $2 tenant and organization, $3 user, uuid; $4 name, text; $5 the token's
-- SHA-256, bytea.
INSERT INTO api_keys (id, tenant_id, organization_id, user_id, name, token_sha256)
VALUES ($1, $2, $2, $3, $4, $5)
