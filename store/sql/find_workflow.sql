-- An active workflow by its id or else its name; two rows when the name is not enough. $1 tenant,
-- uuid; $2 id, uuid, null: the name counts; $3 name, text.
SELECT id, name, specification_sha256, specification FROM workflows
WHERE tenant_id = $1 AND deleted_at IS NULL AND status = 'active'
    AND CASE WHEN $2::uuid IS NULL THEN name = $3 ELSE id = $2 END
LIMIT 2
