-- A tenant's secrets of some names, to be opened; that they are used is noted once a minute, but
-- for rows that somebody else holds. $1 tenant, uuid; $2 names, text[].
WITH due AS (
    SELECT name FROM secrets
    WHERE tenant_id = $1 AND name = ANY($2)
        AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
    FOR NO KEY UPDATE SKIP LOCKED
), used AS (
    UPDATE secrets AS s SET last_used_at = now()
    FROM due WHERE s.tenant_id = $1 AND s.name = due.name
)
SELECT name, version, hosts, form, ciphertext, wrapped_key, key_id
FROM secrets WHERE tenant_id = $1 AND name = ANY($2)
