-- Sets a secret, sealed with its hosts, unless somebody else has set it since its version was
-- read. $1 tenant, uuid; $2 name, text; $3 the new version, one above the last, integer; $4 hosts,
-- text[]; $5 ciphertext, $6 wrapped data key, bytea; $7 the master key's id, text; $8 user, uuid.
INSERT INTO secrets AS s (tenant_id, name, version, hosts, form, ciphertext, wrapped_key, key_id,
    created_by, updated_by)
SELECT $1, $2, $3, $4, 2, $5, $6, $7, $8, $8
ON CONFLICT (tenant_id, name) DO UPDATE SET
    version = $3, hosts = $4, form = 2, ciphertext = $5, wrapped_key = $6, key_id = $7,
    updated_by = $8, updated_at = now()
WHERE s.version = $3 - 1
RETURNING name, hosts, version, created_at, updated_at, last_used_at
