-- Pending writes of a checkpoint. $1 execution, uuid; $2 namespace, $3 checkpoint id, text.
SELECT task_id, channel, value FROM execution_writes
WHERE execution_id = $1 AND checkpoint_ns = $2 AND checkpoint_id = $3
ORDER BY task_path, task_id, position
