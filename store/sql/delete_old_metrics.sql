-- Forgets processes that are gone. $1 how long ago they wrote last, seconds, float8.
DELETE FROM process_metrics WHERE written_at < now() - make_interval(secs => $1)
