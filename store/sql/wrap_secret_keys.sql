-- Puts data keys that another master key wraps in the place of the former ones; the rows are
-- locked. $1 tenants, uuid[]; $2 names, text[]; $3 wrapped data keys, bytea[], in the same order;
-- $4 the ids of the master keys, text[].
UPDATE secrets AS s SET wrapped_key = u.wrapped_key, key_id = u.key_id
FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[])
    AS u (tenant_id, name, wrapped_key, key_id)
WHERE s.tenant_id = u.tenant_id AND s.name = u.name
