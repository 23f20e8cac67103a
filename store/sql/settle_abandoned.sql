-- Takes the mark from executions whose children have all ended, or are about to.
UPDATE workflow_executions AS p SET abandons = false
WHERE p.abandons AND NOT EXISTS (
    SELECT 1 FROM workflow_executions AS c WHERE c.parent_execution_id = p.id
        AND c.status IN ('pending', 'running', 'waiting') AND c.ending IS NULL)
