-- A page of the items of a map node's last visit, in item order. $1 execution, uuid; $2 node, text;
-- $3 their status, text, null: any; $4 how many, $5 how many to pass over, integer; $6 the most
-- bytes of an output that is returned, integer.
SELECT i.map_index, i.status, i.attempt, i.output_bytes, i.error_message,
    CASE WHEN i.output_bytes <= $6 THEN i.output_data END AS output_data
FROM execution_map_items AS i
WHERE i.execution_id = $1 AND ($3::text IS NULL OR i.status = $3) AND i.task_id = (
    SELECT l.task_id FROM execution_node_logs AS l
    WHERE l.execution_id = $1 AND l.node_id = $2 AND l.task_id NOT LIKE 'epilogue:%'
    ORDER BY l.started_at DESC LIMIT 1)
ORDER BY i.map_index LIMIT $4 OFFSET $5
