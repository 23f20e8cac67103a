-- Answers a question, once. $1 approval, uuid; $2 decision, text; $3 value, json text; $4 comment,
-- text; $5 who, text.
UPDATE execution_approvals SET status = 'decided', decision = $2, value = $3::jsonb, comment = $4,
    decided_by = $5, decided_at = now()
WHERE id = $1 AND status = 'pending'
RETURNING id, node_id
