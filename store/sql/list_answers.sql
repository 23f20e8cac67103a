-- The questions of an execution with their answers. $1 execution, uuid.
SELECT interrupt_id, status, decision, value, comment, decided_by, consumed_at
FROM execution_approvals WHERE execution_id = $1
