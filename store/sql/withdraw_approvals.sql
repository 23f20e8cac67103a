-- Closes the open questions of executions that ended. $1 executions, uuid[].
UPDATE execution_approvals SET status = 'withdrawn'
WHERE execution_id = ANY($1) AND status = 'pending'
