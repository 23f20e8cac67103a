-- An item of a map node's last visit. $1 execution, uuid; $2 node, text; $3 its place, integer.
SELECT i.map_index, i.status, i.attempt, i.output_bytes, i.error_message, i.output_data
FROM execution_map_items AS i
WHERE i.execution_id = $1 AND i.map_index = $3 AND i.task_id = (
    SELECT l.task_id FROM execution_node_logs AS l
    WHERE l.execution_id = $1 AND l.node_id = $2 AND l.task_id NOT LIKE 'epilogue:%'
    ORDER BY l.started_at DESC LIMIT 1)
