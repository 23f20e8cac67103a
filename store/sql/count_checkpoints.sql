-- How many checkpoints an execution has. $1 execution, uuid.
SELECT count(*)::integer FROM execution_checkpoints WHERE execution_id = $1
