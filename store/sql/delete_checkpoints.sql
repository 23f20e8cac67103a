-- Forgets the state of an execution, for its owner; no row: it is not its owner any more.
-- $1 execution, uuid; $2 epoch, integer.
WITH held AS (
    SELECT id FROM workflow_executions WHERE id = $1 AND epoch = $2 FOR NO KEY UPDATE
), gone AS (
    DELETE FROM execution_checkpoints WHERE execution_id IN (SELECT id FROM held)
), values_gone AS (
    DELETE FROM execution_channel_values WHERE execution_id IN (SELECT id FROM held)
), writes_gone AS (
    DELETE FROM execution_writes WHERE execution_id IN (SELECT id FROM held)
)
SELECT id FROM held
