-- Starts executions of one tenant, each with its lease and its first event. $1 tenant, uuid;
-- $2 starts, weft_new_execution[]; $3 whether anything bounds one of them, boolean; $4 how many a
-- tenant may have in progress, integer, null: any number.
SELECT place, execution_id, owner_id, request_sha256, deadline_at, created, created_at
FROM weft_start($1, $2::weft_new_execution[], $3, $4)
