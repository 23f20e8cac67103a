-- Data keys that another master key wraps than this one. $1 the master key's id, text; $2 how many
-- at most, integer.
SELECT tenant_id, name, version, wrapped_key, key_id
FROM secrets WHERE key_id <> $1 ORDER BY tenant_id, name LIMIT $2 FOR UPDATE
