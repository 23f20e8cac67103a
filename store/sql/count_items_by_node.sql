-- How far an execution's maps are. $1 execution, uuid.
SELECT node_id, count(*)::integer AS ended,
    (count(*) FILTER (WHERE status = 'failed'))::integer AS failed
FROM execution_map_items WHERE execution_id = $1 GROUP BY node_id
