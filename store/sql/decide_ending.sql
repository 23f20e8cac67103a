-- Decides from outside how an execution will end, if something is to run at its end: it is taken
-- from its owner and goes on under another. One that still queues has nothing to finish.
-- $1 execution, uuid; $2 ending, json text; $3 whether it failed, so that a rollback counts, too,
-- boolean.
UPDATE workflow_executions AS e SET ending = $2::jsonb, paused = false,
    status = 'running', waiting_reason = NULL,
    owner_id = NULL, epoch = e.epoch + 1, updated_at = now()
FROM workflow_specifications AS s
WHERE e.id = $1 AND e.status IN ('running', 'waiting') AND e.ending IS NULL
    AND s.tenant_id = e.tenant_id AND s.sha256 = e.specification_sha256
    AND (jsonb_array_length(
            COALESCE(s.document #> '{settings,error_handling,finally}', '[]'::jsonb)) > 0
        OR $3::boolean AND s.document #>> '{settings,error_handling,on_failure}' = 'rollback')
RETURNING e.id, e.epoch
