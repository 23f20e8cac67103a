-- Ends the leases of a slot's former processes. $1 slot, text; $2 the present executor, uuid.
UPDATE executors SET stopped_at = now()
WHERE slot = $1 AND id <> $2 AND stopped_at IS NULL
