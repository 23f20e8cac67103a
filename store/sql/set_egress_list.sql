-- Sets which hosts a tenant's workflows may reach. $1 tenant, uuid; $2 hosts, text[]; $3 user,
-- uuid.
INSERT INTO egress_lists AS e (tenant_id, hosts, updated_by) VALUES ($1, $2, $3)
ON CONFLICT (tenant_id) DO UPDATE SET hosts = $2, updated_by = $3, updated_at = now()
RETURNING hosts, updated_at
