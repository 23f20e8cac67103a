-- Lets a tenant's workflows reach every public host again. $1 tenant, uuid.
DELETE FROM egress_lists WHERE tenant_id = $1
