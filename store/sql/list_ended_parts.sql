-- The ended waits of a map's items. $1 execution, uuid; $2 the map's wait, text.
SELECT map_index, event, timed_out, payload, ended_at
FROM execution_waits WHERE execution_id = $1 AND part_of = $2 AND status = 'ended'
