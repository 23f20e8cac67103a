-- The questions of an execution's nodes with their answers. $1 execution, uuid.
SELECT interrupt_id, status, decision, value, comment, decided_by, consumed_at
FROM execution_approvals WHERE execution_id = $1 AND part_of IS NULL
