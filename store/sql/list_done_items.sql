-- Which items of a map have completed. $1 execution, uuid; $2 task that planned the map, text.
SELECT map_index FROM execution_map_items
WHERE execution_id = $1 AND task_id = $2 AND status = 'completed'
