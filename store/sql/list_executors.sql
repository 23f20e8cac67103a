-- The executors that hold a lease. $1 lease in seconds, float8.
SELECT id, slot, running, lag_ms, draining, dedicated FROM executors
WHERE stopped_at IS NULL AND heartbeat_at > now() - make_interval(secs => $1) ORDER BY slot
