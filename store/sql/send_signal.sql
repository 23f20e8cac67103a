-- Ends waits for an event. $1 tenant, $2 execution, uuid, null: all of the tenant; $3 the signal's
-- id, uuid; $4 event, $5 key, text, null: none; $6 payload, json text; $7 executors, uuid[].
SELECT execution_id, owner_id, kept FROM weft_signal($1, $2, $3, $4, $5, $6::jsonb, $7)
