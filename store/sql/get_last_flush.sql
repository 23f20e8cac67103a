-- The last flush that an executor committed. $1 executor, uuid.
SELECT last_flush FROM executors WHERE id = $1
