-- Gives an execution that was just started the results that it reuses. $1 tenant, $2 execution,
-- uuid; $3 the last event that counts, bigint; $4 per node the event from which on its results are
-- not reused, json text; $5 nodes that run over lists, text[]; $6 results to replace, by node, json
-- text; $7 nodes that choose anew, text[]; $8 whether what was not finished is reused, boolean.
SELECT weft_seed($1, $2, $3, $4::jsonb, $5, $6::jsonb, $7, $8)
