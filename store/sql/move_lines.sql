-- Lets executions in line run whose turn nobody gave them. $1 of how many parents at most, integer.
SELECT execution_id, owner_id FROM weft_move_lines($1)
