-- The version and the status of a workflow, which is locked against other changes of it; starts go
-- on. $1 workflow, uuid.
SELECT version, status FROM workflows WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE
