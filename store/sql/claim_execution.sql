-- Gives a dedicated execution without a living owner to the executor that was started for it.
-- $1 execution, $2 executor, uuid.
UPDATE workflow_executions AS e SET
    owner_losses = e.owner_losses + CASE WHEN e.owner_id IS NULL THEN 0 ELSE 1 END,
    owner_id = $2, epoch = e.epoch + 1, updated_at = now()
WHERE e.id = $1 AND e.dedicated AND e.status = 'running' AND NOT EXISTS (
    SELECT FROM executors AS o WHERE o.id = e.owner_id AND o.stopped_at IS NULL)
RETURNING e.id
