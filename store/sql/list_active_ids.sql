-- Which of these are active workflows. $1 workflows, uuid[].
SELECT id FROM workflows WHERE id = ANY($1::uuid[]) AND status = 'active' AND deleted_at IS NULL
