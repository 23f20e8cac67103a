-- A call arrived. $1 delivery, uuid.
UPDATE webhook_deliveries SET delivered_at = now(), last_error = NULL WHERE id = $1
