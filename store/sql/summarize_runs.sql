-- What a workflow's nodes, and the agents of the tenant, took lately: from the tenth to the
-- ninetieth percentile. Bounded, however much there is: the newest executions, and so many rows of
-- each. What another execution's results were reused for took no time and does not count.
-- $1 workflow, uuid, null: none; $2 its specification's SHA-256, text; $3 agents, text[];
-- $4 how many executions of the workflow, $5 how many rows of each, $6 how many executions of the
-- tenant, $7 how many rows of each, integer.
WITH own AS MATERIALIZED (
    SELECT e.id, e.status, e.specification_sha256, e.origin_execution_id, e.duration_seconds,
        e.cost_usd
    FROM workflow_executions AS e
    WHERE e.workflow_id = $1 ORDER BY e.id DESC LIMIT $4
), own_visit AS MATERIALIZED (
    SELECT l.node_id, l.agent_name, sum(l.cost_usd)::double precision AS cost_usd,
        extract(epoch FROM max(l.completed_at) - min(l.started_at)) AS seconds,
        max(CASE WHEN jsonb_typeof(l.metadata -> 'items') = 'number'
            THEN (l.metadata ->> 'items')::double precision END) AS items
    FROM own CROSS JOIN LATERAL (
        SELECT * FROM execution_node_logs AS n
        WHERE n.execution_id = own.id AND n.task_id <> 'epilogue:compensate' LIMIT $5
    ) AS l
    GROUP BY l.execution_id, l.node_id, l.task_id, l.agent_name
    HAVING bool_or(l.status = 'completed') AND bool_or(l.metadata ? 'reused_from') IS NOT TRUE
), own_items AS MATERIALIZED (
    -- The items of maps have no rows that say what they cost: their executions' costs do.
    SELECT own.cost_usd::double precision - l.cost_usd AS cost_usd
    FROM own CROSS JOIN LATERAL (
        SELECT coalesce(sum(n.cost_usd), 0)::double precision AS cost_usd,
            bool_or(n.metadata ? 'items') AS mapped, count(*) AS rows
        FROM (SELECT * FROM execution_node_logs AS x WHERE x.execution_id = own.id LIMIT $5) AS n
    ) AS l
    WHERE own.status = 'completed' AND own.specification_sha256 = $2
        AND own.origin_execution_id IS NULL AND l.mapped AND l.rows < $5
), visit AS MATERIALIZED (
    SELECT l.agent_name, sum(l.cost_usd)::double precision AS cost_usd,
        extract(epoch FROM max(l.completed_at) - min(l.started_at)) AS seconds
    FROM (
        SELECT e.id FROM workflow_executions AS e ORDER BY e.id DESC LIMIT $6
    ) AS lately CROSS JOIN LATERAL (
        SELECT * FROM execution_node_logs AS n
        WHERE n.execution_id = lately.id AND n.task_id <> 'epilogue:compensate' LIMIT $7
    ) AS l
    -- The row of a map is of all its items, and no example of one. Not EXISTS, which may be
    -- answered by reading the whole table.
    WHERE l.agent_name = ANY ($3) AND NOT (COALESCE(l.metadata ? 'items', false) AND (
        SELECT i.map_index FROM execution_map_items AS i
        WHERE i.execution_id = l.execution_id AND i.task_id = l.task_id LIMIT 1) IS NOT NULL)
    GROUP BY l.execution_id, l.node_id, l.task_id, l.agent_name
    HAVING bool_or(l.status = 'completed') AND bool_or(l.metadata ? 'reused_from') IS NOT TRUE
)
SELECT 'workflow' AS kind, NULL AS node_id, NULL AS agent_name, count(*)::integer AS samples,
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY duration_seconds) AS seconds,
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY cost_usd::double precision) AS cost_usd
FROM own
WHERE status = 'completed' AND specification_sha256 = $2 AND origin_execution_id IS NULL
UNION ALL
SELECT 'node', node_id, agent_name, count(*)::integer,
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY seconds),
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY cost_usd)
FROM own_visit GROUP BY node_id, agent_name
UNION ALL
SELECT 'items', node_id, NULL, count(*)::integer,
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY items), NULL
FROM own_visit WHERE items IS NOT NULL GROUP BY node_id
UNION ALL
SELECT 'maps', NULL, NULL, count(*)::integer, NULL,
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY greatest(cost_usd, 0))
FROM own_items HAVING count(*) > 0
UNION ALL
SELECT 'agent', NULL, agent_name, count(*)::integer,
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY seconds),
    percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY cost_usd)
FROM visit GROUP BY agent_name
