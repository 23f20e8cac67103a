-- The last result of each node up to an event, in the order of events. $1 tenant, $2 execution,
-- uuid; $3 the event's number, bigint; $4 whether lists come whole, boolean.
SELECT r.node_id, r.completed, r.payload -> 'output' AS output,
    r.payload ->> 'then' AS follows, r.payload ->> 'error_message' AS error_message,
    r.map_task_id, i.count, i.failed, i.outputs
FROM (
    SELECT DISTINCT ON (x.node_id) x.* FROM weft_results($1, $2, $3) AS x
    ORDER BY x.node_id, x.seq DESC
) AS r
LEFT JOIN LATERAL (
    SELECT count(*)::integer AS count,
        (count(*) FILTER (WHERE m.status = 'failed'))::integer AS failed,
        CASE WHEN $4 THEN jsonb_agg(m.output_data ORDER BY m.map_index) END AS outputs
    FROM execution_map_items AS m WHERE m.execution_id = $2 AND m.task_id = r.map_task_id
) AS i ON r.map_task_id IS NOT NULL
ORDER BY r.seq
