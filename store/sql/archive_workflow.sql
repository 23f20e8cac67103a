-- Takes a workflow out of use. $1 workflow, uuid.
UPDATE workflows SET status = 'archived', updated_at = now()
WHERE id = $1 AND deleted_at IS NULL AND status <> 'archived'
