-- How often each node has come to an end. $1 execution, uuid.
SELECT node_id, count(*)::integer AS visits FROM execution_events
WHERE execution_id = $1 AND event_type IN ('node_completed', 'node_failed')
GROUP BY node_id
