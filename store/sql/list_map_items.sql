-- The results of a map, in item order. $1 execution, uuid; $2 task that planned the map, text.
SELECT map_index, output_data, error_message FROM execution_map_items
WHERE execution_id = $1 AND task_id = $2 ORDER BY map_index
