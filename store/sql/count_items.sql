-- How many items of a map node's last visit have ended. $1 execution, uuid; $2 node, text; $3 their
-- status, text, null: any.
SELECT count(*)::integer FROM execution_map_items AS i
WHERE i.execution_id = $1 AND ($3::text IS NULL OR i.status = $3) AND i.task_id = (
    SELECT l.task_id FROM execution_node_logs AS l
    WHERE l.execution_id = $1 AND l.node_id = $2 AND l.task_id NOT LIKE 'epilogue:%'
    ORDER BY l.started_at DESC LIMIT 1)
