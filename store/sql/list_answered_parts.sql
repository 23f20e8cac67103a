-- The answered questions of a map's items. $1 execution, uuid; $2 the map's wait, text.
SELECT map_index, approval_type, decision, value, comment, decided_by, votes, required
FROM execution_approvals WHERE execution_id = $1 AND part_of = $2 AND status = 'decided'
