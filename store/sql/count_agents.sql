-- How many custom agents a tenant has. $1 tenant, uuid; $2 status, text, null for any; $3 owner,
-- uuid, null for any; $4 a part of the name or the description in lower case, text, empty for any.
SELECT count(*)
FROM custom_agents a
JOIN custom_agent_versions v
    ON v.tenant_id = a.tenant_id AND v.agent_id = a.id AND v.version = a.current_version
WHERE a.tenant_id = $1
    AND ($2::text IS NULL OR a.status = $2)
    AND ($3::uuid IS NULL OR a.owner_id = $3)
    AND ($4 = '' OR position($4 IN a.agent_name) > 0 OR position($4 IN lower(v.description)) > 0)
