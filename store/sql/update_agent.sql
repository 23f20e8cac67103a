-- Changes what is said of a custom agent; nulls leave it. $1 tenant, $2 agent, uuid; $3 status,
-- text; $4 owner, uuid; $5 current version, integer.
UPDATE custom_agents SET
    status = coalesce($3, status), owner_id = coalesce($4, owner_id),
    current_version = coalesce($5, current_version), updated_at = now()
WHERE tenant_id = $1 AND id = $2
