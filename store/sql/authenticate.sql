-- Whose token it is. $1 the token's SHA-256, bytea.
SELECT tenant_id, organization_id, organization_name, user_id, email, user_name, role
FROM weft_authenticate($1)
