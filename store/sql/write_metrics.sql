-- Keeps what a process has measured. $1 the process's name, $2 its metrics, JSON, text.
INSERT INTO process_metrics (process, families) VALUES ($1, $2)
ON CONFLICT (process) DO UPDATE SET families = excluded.families, written_at = now()
