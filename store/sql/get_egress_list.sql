-- Which hosts a tenant's workflows may reach; no row: every public one. $1 tenant, uuid.
SELECT hosts, updated_at FROM egress_lists WHERE tenant_id = $1
