-- Ends the waits of a locked execution whose parts have all ended. $1 execution, uuid.
SELECT weft_end_groups(ARRAY[$1::uuid])
