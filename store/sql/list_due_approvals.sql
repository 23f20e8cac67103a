-- Questions whose time is up. $1 how many at most, integer.
SELECT id, tenant_id, execution_id, node_id, on_timeout FROM execution_approvals
WHERE status = 'pending' AND expires_at <= now() ORDER BY expires_at LIMIT $1
