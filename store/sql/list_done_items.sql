-- Which items of a part of a map have completed. $1 execution, uuid; $2 task that planned the map,
-- text; $3 the part's first item, $4 the one after its last, integer.
SELECT map_index FROM execution_map_items
WHERE execution_id = $1 AND task_id = $2 AND map_index >= $3 AND map_index < $4
    AND status = 'completed'
