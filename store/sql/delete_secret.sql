-- Deletes a secret. $1 tenant, uuid; $2 name, text.
DELETE FROM secrets WHERE tenant_id = $1 AND name = $2 RETURNING name
