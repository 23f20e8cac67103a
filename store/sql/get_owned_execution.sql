-- An execution that this executor owns and that can go on. $1 execution, $2 executor, uuid.
SELECT e.id, e.tenant_id, e.workflow_id, w.name AS workflow_name, e.specification_sha256,
    e.input_data, e.epoch,
    extract(epoch FROM e.deadline_at - now())::float8 AS seconds_left, e.last_checkpoint_number,
    e.paused, e.pauses, e.ending, e.depth, u.email AS user_email, u.name AS user_name
FROM workflow_executions AS e
JOIN workflows AS w ON w.id = e.workflow_id
LEFT JOIN users AS u ON u.tenant_id = e.tenant_id AND u.id = e.started_by
WHERE e.id = $1 AND e.owner_id = $2 AND e.status = 'running'
