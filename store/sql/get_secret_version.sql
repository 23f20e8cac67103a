-- Which version of a secret there is. $1 tenant, uuid; $2 name, text.
SELECT version FROM secrets WHERE tenant_id = $1 AND name = $2
