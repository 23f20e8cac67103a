-- The versions of a custom agent, the last first. $1 tenant, $2 agent, uuid.
SELECT version, description, implementation_type, created_by, created_at
FROM custom_agent_versions WHERE tenant_id = $1 AND agent_id = $2
ORDER BY version DESC
