-- A new organization, a tenant of its own. $1 id, uuid; $2 name, text.
INSERT INTO organizations (id, tenant_id, name) VALUES ($1, $1, $2)
