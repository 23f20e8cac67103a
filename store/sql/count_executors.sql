-- How many executors have not stopped.
SELECT count(*)::integer FROM executors WHERE stopped_at IS NULL
