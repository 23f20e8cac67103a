-- How many items of a map have ended. $1 execution, uuid; $2 task that planned the map, text.
SELECT count(*)::integer AS ended,
    (count(*) FILTER (WHERE status = 'failed'))::integer AS failed
FROM execution_map_items WHERE execution_id = $1 AND task_id = $2
