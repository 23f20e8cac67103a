-- A tenant's active custom agents whose name or description has some of these words, the likest
-- first: words of the name count most. $1 tenant, uuid; $2 words of letters and digits, joined by
-- ` | `, text; $3 limit, integer.
SELECT a.agent_name
FROM custom_agents a
JOIN custom_agent_versions v
    ON v.tenant_id = a.tenant_id AND v.agent_id = a.id AND v.version = a.current_version
CROSS JOIN to_tsquery('english', $2) AS q (wanted)
CROSS JOIN LATERAL (
    SELECT setweight(to_tsvector('english', replace(a.agent_name, '_', ' ')), 'A')
        || to_tsvector('english', v.description)
) AS t (words)
WHERE a.tenant_id = $1 AND a.status = 'active' AND t.words @@ q.wanted
ORDER BY ts_rank(t.words, q.wanted) DESC, a.agent_name
LIMIT $3
