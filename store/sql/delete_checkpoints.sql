-- Forgets the state of an execution. $1 execution, uuid.
WITH gone AS (DELETE FROM execution_checkpoints WHERE execution_id = $1),
    values_gone AS (DELETE FROM execution_channel_values WHERE execution_id = $1)
DELETE FROM execution_writes WHERE execution_id = $1
