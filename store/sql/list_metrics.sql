-- What the processes have measured that live. $1 how long ago they wrote it at most, seconds,
-- float8.
SELECT process, families FROM process_metrics
WHERE written_at > now() - make_interval(secs => $1) ORDER BY process
