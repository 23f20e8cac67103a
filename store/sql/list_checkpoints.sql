-- Checkpoints, the latest first. $1 execution, uuid; $2 namespace, text, null: all;
-- $3 before this checkpoint id, text, null: from the latest; $4 metadata that they contain, json
-- text; $5 how many, null: all.
SELECT checkpoint_ns, checkpoint_id
FROM execution_checkpoints
WHERE execution_id = $1 AND ($2::text IS NULL OR checkpoint_ns = $2)
    AND ($3::text IS NULL OR checkpoint_number < (
        SELECT b.checkpoint_number FROM execution_checkpoints AS b
        WHERE b.execution_id = $1 AND b.checkpoint_id = $3
            AND ($2::text IS NULL OR b.checkpoint_ns = $2) LIMIT 1))
    AND metadata @> $4::jsonb
ORDER BY checkpoint_number DESC LIMIT $5
