-- A checkpoint by its number. $1 execution, uuid; $2 number, integer.
SELECT checkpoint_number, event_seq, created_at FROM execution_checkpoints
WHERE execution_id = $1 AND checkpoint_number = $2
