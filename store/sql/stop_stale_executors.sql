-- Ends the leases that were not renewed in time. $1 lease in seconds, float8.
UPDATE executors SET stopped_at = now()
WHERE stopped_at IS NULL AND heartbeat_at < now() - make_interval(secs => $1)
RETURNING id
