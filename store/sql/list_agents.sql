-- A page of a tenant's custom agents by name. $1 tenant, uuid;
-- $2 status, text, null for any; $3 owner, uuid, null for any; $4 a part of the name or the
-- description in lower case, text, empty for any; $5 limit, $6 offset, integer.
SELECT a.id, a.agent_name, a.status, a.current_version, a.usage_count, a.last_used_at, a.owner_id,
    a.created_at, a.updated_at, v.description, v.implementation_type
FROM custom_agents a
JOIN custom_agent_versions v
    ON v.tenant_id = a.tenant_id AND v.agent_id = a.id AND v.version = a.current_version
WHERE a.tenant_id = $1
    AND ($2::text IS NULL OR a.status = $2)
    AND ($3::uuid IS NULL OR a.owner_id = $3)
    AND ($4 = '' OR position($4 IN a.agent_name) > 0 OR position($4 IN lower(v.description)) > 0)
ORDER BY a.agent_name
LIMIT $5 OFFSET $6
