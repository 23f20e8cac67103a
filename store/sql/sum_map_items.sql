-- A map whose items have ended: their number and sizes, the first that failed. $1 execution, uuid;
-- $2 task that planned the map, text; $3 the most bytes of an output that is shown, integer.
SELECT count(*)::integer AS count,
    (count(*) FILTER (WHERE status = 'failed'))::integer AS failed,
    COALESCE(sum(output_bytes), 0)::bigint AS total_bytes,
    COALESCE(sum(output_bytes) FILTER (WHERE output_bytes <= $3), 0)::bigint AS shown_bytes,
    min(map_index) FILTER (WHERE status = 'failed') AS first_failed,
    (array_agg(error_message ORDER BY map_index) FILTER (WHERE status = 'failed'))[1]
        AS first_error
FROM execution_map_items WHERE execution_id = $1 AND task_id = $2
