-- Ends a lease in good order. $1 executor, uuid.
UPDATE executors SET stopped_at = now() WHERE id = $1 AND stopped_at IS NULL
