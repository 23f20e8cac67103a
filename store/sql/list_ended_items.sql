-- How some items of a map ended. $1 execution, uuid; $2 task that planned the map, text;
-- $3 first index, $4 the index to stop before, integer.
SELECT map_index, status FROM execution_map_items
WHERE execution_id = $1 AND task_id = $2 AND map_index >= $3 AND map_index < $4
