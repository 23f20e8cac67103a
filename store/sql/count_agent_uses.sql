-- Counts uses of custom agents, in the order of their keys. $1 tenants, uuid[]; $2 names, text[];
-- $3 how often each, integer[].
WITH used AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[]) AS u (tenant_id, name, times)
), held AS (
    SELECT a.tenant_id, a.id, u.times
    FROM custom_agents a JOIN used u ON u.tenant_id = a.tenant_id AND u.name = a.agent_name
    ORDER BY a.tenant_id, a.id
    FOR UPDATE OF a
)
UPDATE custom_agents a SET usage_count = a.usage_count + held.times, last_used_at = now()
FROM held WHERE held.tenant_id = a.tenant_id AND held.id = a.id
