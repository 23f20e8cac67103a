-- Deletes executions of any tenant that have ended, with all that belongs to them; returns those it
-- deleted. $1 executions, uuid[].
SELECT * FROM weft_delete_executions($1) AS id
