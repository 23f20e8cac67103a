-- How long the last completed executions of a workflow took. $1 workflow, uuid.
SELECT avg(duration_seconds)::float8 FROM (
    SELECT duration_seconds FROM workflow_executions
    WHERE workflow_id = $1 AND status = 'completed' ORDER BY id DESC LIMIT 20
) AS last
