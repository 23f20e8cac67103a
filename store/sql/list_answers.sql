-- The questions of an execution's nodes with their answers. $1 execution, uuid.
SELECT interrupt_id, status, approval_type, decision, value, comment, decided_by, votes, required,
    consumed_at
FROM execution_approvals WHERE execution_id = $1 AND part_of IS NULL
