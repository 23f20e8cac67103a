-- Totals over executions. $1 workflow, uuid, null: any; $2 status, text, null: any;
-- $3 the execution that started them, uuid, null: any.
SELECT count(*)::integer AS total,
    (count(*) FILTER (WHERE status = 'completed'))::integer AS completed,
    (count(*) FILTER (WHERE status IN ('completed', 'failed', 'cancelled')))::integer AS ended,
    avg(duration_seconds) AS avg_duration_seconds, COALESCE(sum(cost_usd), 0) AS total_cost_usd
FROM workflow_executions
WHERE ($1::uuid IS NULL OR workflow_id = $1) AND ($2::text IS NULL OR status = $2)
    AND ($3::uuid IS NULL OR parent_execution_id = $3)
