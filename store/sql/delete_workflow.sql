-- Hides a workflow for good; its executions keep it. $1 workflow, uuid.
UPDATE workflows SET status = 'archived', deleted_at = now(), updated_at = now() WHERE id = $1
