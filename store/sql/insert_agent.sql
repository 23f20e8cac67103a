-- A new custom agent, before its first version; no row when the name is taken. $1 tenant, $2 id,
-- $3 organization, uuid; $4 name, text; $5 user, uuid.
INSERT INTO custom_agents (tenant_id, id, organization_id, agent_name, current_version, owner_id,
    created_by)
VALUES ($1, $2, $3, $4, 1, $5, $5)
ON CONFLICT (tenant_id, agent_name) DO NOTHING
RETURNING id
