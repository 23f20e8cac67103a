-- The items of a map that failed. $1 execution, uuid; $2 task that planned the map, text.
SELECT map_index, error_message FROM execution_map_items
WHERE execution_id = $1 AND task_id = $2 AND status = 'failed' ORDER BY map_index
