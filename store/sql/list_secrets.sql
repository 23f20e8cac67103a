-- A tenant's secrets by name, without what they hold. $1 tenant, uuid.
SELECT name, hosts, version, created_at, updated_at, last_used_at
FROM secrets WHERE tenant_id = $1 ORDER BY name
