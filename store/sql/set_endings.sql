-- Records how executions will end; whatever they still ask is asked no more. $1 executions,
-- uuid[]; $2 endings, json text[].
WITH decided AS (
    SELECT * FROM unnest($1::uuid[], $2::text[]) AS u (execution_id, ending)
), withdrawn AS (
    UPDATE execution_approvals AS a SET status = 'withdrawn'
    FROM decided AS d WHERE a.execution_id = d.execution_id AND a.status = 'pending'
)
UPDATE workflow_executions AS e SET ending = d.ending::jsonb, updated_at = now()
FROM decided AS d WHERE e.id = d.execution_id
