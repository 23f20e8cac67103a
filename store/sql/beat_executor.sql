-- Renews a lease; no row: it has been taken away. $1 executor, uuid; $2 how many executions it
-- drives, integer; $3 how late its event loop is in milliseconds, float8.
UPDATE executors SET heartbeat_at = now(), running = $2, lag_ms = $3
WHERE id = $1 AND stopped_at IS NULL RETURNING id
