-- Deletes specifications that no workflow and no execution has any more. $1 how many, integer.
DELETE FROM workflow_specifications AS s USING (
    SELECT u.tenant_id, u.sha256 FROM workflow_specifications AS u
    WHERE NOT EXISTS (SELECT FROM workflows AS w
                      WHERE w.tenant_id = u.tenant_id AND w.specification_sha256 = u.sha256)
        AND NOT EXISTS (SELECT FROM workflow_executions AS e
                        WHERE e.tenant_id = u.tenant_id AND e.specification_sha256 = u.sha256)
    LIMIT $1
) AS unused
WHERE s.tenant_id = unused.tenant_id AND s.sha256 = unused.sha256
RETURNING s.sha256
