-- The number of a custom agent's last version. $1 tenant, $2 agent, uuid.
SELECT max(version) FROM custom_agent_versions WHERE tenant_id = $1 AND agent_id = $2
