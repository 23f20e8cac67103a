-- An execution's questions. $1 execution, uuid.
SELECT id, node_id, message, approval_type, options, requested_at, expires_at, on_timeout, status,
    decision, value, comment, decided_by, decided_at, map_index, approvers, required, votes
FROM execution_approvals WHERE execution_id = $1 ORDER BY requested_at, id
