-- Ends waits whose time has come. $1 executors to go on under, uuid[]; $2 how many, integer.
SELECT execution_id, owner_id FROM weft_end_due_waits($1, $2)
