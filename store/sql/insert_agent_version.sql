-- A version of a custom agent. $1 tenant, $2 agent, uuid; $3 version, integer; $4 description,
-- text; $5 tool specification, json text; $6 kind, text; $7 implementation, json text; $8 user,
-- uuid.
INSERT INTO custom_agent_versions (tenant_id, agent_id, version, description, tool_specification,
    implementation_type, implementation, created_by)
VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7::jsonb, $8)
