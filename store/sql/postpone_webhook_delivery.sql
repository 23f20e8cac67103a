-- A call failed. $1 delivery, uuid; $2 why, text; $3 seconds until the next, float8; $4 how many
-- attempts there may be, integer.
UPDATE webhook_deliveries SET last_error = $2, next_attempt_at = now() + make_interval(secs => $3),
    abandoned_at = CASE WHEN attempts >= $4 THEN now() END
WHERE id = $1
