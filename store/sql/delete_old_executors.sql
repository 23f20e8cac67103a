-- Forgets executors that are gone and own nothing. $1 how long ago they stopped, seconds, float8.
DELETE FROM executors AS x WHERE x.stopped_at < now() - make_interval(secs => $1)
    AND NOT EXISTS (SELECT FROM workflow_executions AS e WHERE e.owner_id = x.id)
