-- Executions that a wait awaits, in item order. $1 parent, uuid; $2 the wait, text.
SELECT id, status, output_data, error_message, parent_map_index FROM workflow_executions
WHERE parent_execution_id = $1 AND parent_wait_id = $2 ORDER BY parent_map_index
