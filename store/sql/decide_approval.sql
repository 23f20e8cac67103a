-- Takes a vote on a question of a locked execution, once from each person; enough approvals, or one
-- rejection, decide it. $1 execution, $2 approval, uuid; $3 decision, text; $4 value, json text;
-- $5 comment, text; $6 who, text; $7 whether its time is up, which decides it without a vote,
-- boolean.
UPDATE execution_approvals AS a SET
    votes = CASE WHEN $7::boolean THEN a.votes ELSE a.votes || n.vote END,
    status = CASE WHEN n.decides THEN 'decided' ELSE a.status END,
    decision = CASE WHEN n.decides THEN $3 END,
    value = CASE WHEN n.decides THEN $4::jsonb END,
    comment = CASE WHEN n.decides THEN $5 END,
    decided_by = CASE WHEN n.decides THEN $6 END,
    decided_at = CASE WHEN n.decides THEN now() END
FROM (
    SELECT b.id, jsonb_build_object('by', $6::text, 'decision', $3::text, 'value', $4::jsonb,
        'comment', $5::text, 'at', now()) AS vote,
        $7 OR $3 = 'reject' OR jsonb_array_length(b.votes) + 1 >= b.required AS decides
    FROM execution_approvals AS b WHERE b.execution_id = $1 AND b.id = $2
) AS n
WHERE a.id = n.id AND a.status = 'pending'
    AND NOT a.votes @> jsonb_build_array(jsonb_build_object('by', $6::text))
RETURNING a.id, a.node_id, a.status, jsonb_array_length(a.votes) AS votes, a.required
