-- Whether a tenant has a user. $1 tenant, $2 user, uuid.
SELECT EXISTS (SELECT FROM users WHERE tenant_id = $1 AND id = $2)
