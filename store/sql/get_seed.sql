-- What a visit of a node comes to that reuses a result. $1 execution, uuid; $2 node, text; $3 its
-- visit, integer.
SELECT output, failure, route, map_task_id, partial FROM execution_seeds
WHERE execution_id = $1 AND node_id = $2 AND visit = $3
