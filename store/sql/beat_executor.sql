-- Renews a lease; no row: it has been taken away. $1 executor, uuid.
UPDATE executors SET heartbeat_at = now() WHERE id = $1 AND stopped_at IS NULL RETURNING id
