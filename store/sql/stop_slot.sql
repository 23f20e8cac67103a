-- Ends the leases of a slot whose process is gone. $1 slot, text.
UPDATE executors SET stopped_at = now() WHERE slot = $1 AND stopped_at IS NULL
