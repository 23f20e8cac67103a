-- Executions that something is to be done with, the oldest first. $1 statuses, text[]; $2 workflow,
-- uuid, null: any; $3 created at or after, $4 before, timestamptz, null: any; $5 how many, integer.
SELECT id FROM workflow_executions
WHERE status = ANY($1) AND ($2::uuid IS NULL OR workflow_id = $2)
    AND ($3::timestamptz IS NULL OR created_at >= $3)
    AND ($4::timestamptz IS NULL OR created_at < $4)
ORDER BY id LIMIT $5
