-- Gives queued executions to executors. $1 executors that may take some, uuid[]; $2 how many one
-- of them runs at most, $3 how many dedicated ones run at most, $4 how many a tenant may have in
-- progress, null: any number, $5 how many at once, integer.
SELECT execution_id, owner_id FROM weft_admit($1, $2, $3, $4, $5)
