-- One checkpoint. $1 execution, uuid; $2 namespace, text; $3 checkpoint id, text, null: the latest.
SELECT checkpoint_id, parent_checkpoint_id, state_snapshot, metadata
FROM execution_checkpoints
WHERE execution_id = $1 AND checkpoint_ns = $2
    AND ($3::text IS NULL OR checkpoint_id = $3)
ORDER BY checkpoint_id DESC LIMIT 1
