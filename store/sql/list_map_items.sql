-- The results of a map, in item order. $1 execution, uuid; $2 task that planned the map, text;
-- $3 first index, integer; $4 the index to stop before, integer, null: to the end; $5 the most
-- bytes of an output that is returned, integer, null: any.
SELECT map_index, CASE WHEN $5::integer IS NULL OR output_bytes <= $5 THEN output_data END
    AS output_data, output_bytes
FROM execution_map_items
WHERE execution_id = $1 AND task_id = $2 AND map_index >= $3
    AND map_index < COALESCE($4, 2147483647)
ORDER BY map_index
