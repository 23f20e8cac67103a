-- Custom agents as nodes name them; those that do not exist are left out. $1 tenant, uuid;
-- $2 names, text[]; $3 versions, integer[], 0 for the current one.
SELECT a.id, a.agent_name, a.status, a.current_version, a.usage_count, a.last_used_at, a.owner_id,
    a.created_at, a.updated_at, w.version AS wanted_version, v.version, v.description,
    v.tool_specification, v.implementation_type, v.implementation, v.created_by
FROM unnest($2::text[], $3::integer[]) AS w (name, version)
JOIN custom_agents a ON a.tenant_id = $1 AND a.agent_name = w.name
JOIN custom_agent_versions v
    ON v.tenant_id = a.tenant_id AND v.agent_id = a.id
    AND v.version = CASE w.version WHEN 0 THEN a.current_version ELSE w.version END
