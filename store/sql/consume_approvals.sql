-- The answers that a node took over. $1 executions, uuid[]; $2 interrupts, text[].
UPDATE execution_approvals AS a SET consumed_at = now()
FROM unnest($1::uuid[], $2::text[]) AS u (execution_id, interrupt_id)
WHERE a.execution_id = u.execution_id AND a.interrupt_id = u.interrupt_id
