-- Answers a question of an execution, once. $1 execution, $2 approval, uuid; $3 decision, text;
-- $4 value, json text; $5 comment, text; $6 who, text.
UPDATE execution_approvals SET status = 'decided', decision = $3, value = $4::jsonb, comment = $5,
    decided_by = $6, decided_at = now()
WHERE execution_id = $1 AND id = $2 AND status = 'pending'
RETURNING id, node_id
