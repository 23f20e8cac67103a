-- Puts data keys that another master key wraps in the place of the former ones, and what is sealed
-- anew with its hosts; the rows are locked. $1 tenants, uuid[]; $2 names, text[]; $3 wrapped data
-- keys, bytea[], in the same order; $4 the ids of the master keys, text[]; $5 ciphertexts, bytea[],
-- null where it stays.
UPDATE secrets AS s SET wrapped_key = u.wrapped_key, key_id = u.key_id, form = 2,
    ciphertext = coalesce(u.ciphertext, s.ciphertext)
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::bytea[])
    AS u (tenant_id, name, wrapped_key, key_id, ciphertext)
WHERE s.tenant_id = u.tenant_id AND s.name = u.name
