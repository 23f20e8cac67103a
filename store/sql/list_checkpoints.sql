-- Checkpoints, the latest first. $1 execution, uuid; $2 namespace, text, null: all;
-- $3 before this checkpoint id, text, null: from the latest; $4 metadata that they contain, json
-- text; $5 how many, null: all.
SELECT checkpoint_ns, checkpoint_id
FROM execution_checkpoints
WHERE execution_id = $1 AND ($2::text IS NULL OR checkpoint_ns = $2)
    AND ($3::text IS NULL OR checkpoint_id < $3) AND metadata @> $4::jsonb
ORDER BY checkpoint_id DESC LIMIT $5
