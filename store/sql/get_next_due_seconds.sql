-- In how many seconds the next wait is due; negative: it is; null: nothing waits for a time.
SELECT extract(epoch FROM min(due_at) - now())::float8 FROM execution_waits
WHERE status = 'pending'
