-- A custom agent by its name, held for a change. $1 tenant, uuid; $2 name, text.
SELECT id, agent_name, status, current_version, owner_id, created_at, updated_at
FROM custom_agents WHERE tenant_id = $1 AND agent_name = $2
FOR UPDATE
