-- Data keys that another master key wraps than this one, and secrets whose hosts are not sealed;
-- these with their ciphertext. $1 the master key's id, text; $2 how many at most, integer.
SELECT tenant_id, name, version, hosts, form, wrapped_key, key_id,
    CASE WHEN form = 1 THEN ciphertext END AS ciphertext
FROM secrets WHERE key_id <> $1 OR form = 1 ORDER BY tenant_id, name LIMIT $2 FOR UPDATE
